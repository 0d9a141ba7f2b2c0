/** A button with a panel below it. Escape and a click elsewhere close it; the focus goes back to the button. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

export function Popover(props: {
  readonly label: ComponentChildren;
  /** Spoken name, when the label is only a picture. */
  readonly name?: string;
  readonly class?: string;
  readonly align?: 'left' | 'right';
  /** A key handler elsewhere opens it by clicking this element. */
  readonly anchor?: string;
  readonly children: (close: () => void) => ComponentChildren;
}): JSX.Element {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!open) return;
    root.current?.querySelector<HTMLElement>('[data-first], input, a, .popover button')?.focus();
    const outside = (event: Event): void => {
      if (root.current !== null && !event.composedPath().includes(root.current)) setOpen(false);
    };
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [open]);
  return (
    <div
      ref={root}
      class="popover-root"
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !open) return;
        event.stopPropagation();
        close();
      }}
    >
      <button
        ref={button}
        type="button"
        class={props.class ?? 'button'}
        aria-expanded={open}
        aria-controls={id}
        aria-label={props.name}
        title={props.name}
        data-anchor={props.anchor}
        onClick={() => setOpen(!open)}
      >
        {props.label}
      </button>
      <div id={id} class={`popover ${props.align ?? 'left'}`} hidden={!open}>
        {open && props.children(close)}
      </div>
    </div>
  );
}
