/** A dialog of the browser's own kind: keeps the focus inside, closes with Escape, gives the focus back. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Icon } from './icon.tsx';

export function Dialog(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly wide?: boolean;
}): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog
      ref={ref}
      class={props.wide === true ? 'dialog wide' : 'dialog'}
      aria-labelledby={id}
      onClose={props.onClose}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <div class="split">
        <h2 id={id}>{props.title}</h2>
        <button type="button" class="button plain" aria-label="Close" onClick={() => ref.current?.close()}>
          <Icon name="close" />
        </button>
      </div>
      {props.children}
    </dialog>
  );
}
