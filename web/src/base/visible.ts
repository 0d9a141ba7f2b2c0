/** Every text of the page, and what is spoken or hovered over, with hidden characters made visible. Fields keep theirs. */
import { options, type VNode } from 'preact';
import { visible } from '#src/console/api/visible.js';

/** From now on, for all that is drawn. */
export function startVisible(): void {
  const before = options.vnode;
  options.vnode = (vnode: VNode): void => {
    if (typeof vnode.type === 'string') show(vnode.props as Record<string, unknown>);
    before?.(vnode);
  };
}

const TEXT_PROPS = ['children', 'title', 'aria-label'] as const;

function show(props: Record<string, unknown>): void {
  for (const name of TEXT_PROPS) {
    const value = props[name];
    if (typeof value === 'string') props[name] = visible(value);
    else if (Array.isArray(value)) props[name] = value.map((part) => (typeof part === 'string' ? visible(part) : part));
  }
}
