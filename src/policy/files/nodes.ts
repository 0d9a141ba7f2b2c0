/** What a policy file says, as a tree: the little of YAML that policies use, with places to complain about. */

interface Place {
  /** Index of the node's first character in the file. */
  readonly start: number;
  /** Index behind its last one. */
  readonly end: number;
}

export interface ScalarNode extends Place {
  readonly kind: 'scalar';
  /** As it is written, without quotes, so that `0123` stays a name; `undefined` where nothing is written, or `null`. */
  readonly text: string | undefined;
  /** What a plain `true` or `false` says. */
  readonly flag: boolean | undefined;
}

export interface KeyNode extends Place {
  readonly text: string;
}

export interface PairNode {
  /** `undefined`: no plain word. */
  readonly key: KeyNode | undefined;
  readonly value: Node | undefined;
}

export interface MapNode extends Place {
  readonly kind: 'map';
  readonly pairs: readonly PairNode[];
}

export interface SeqNode extends Place {
  readonly kind: 'seq';
  readonly items: readonly Node[];
}

/** A reference to another node (`*name`), which policies do not use. */
export interface AliasNode extends Place {
  readonly kind: 'alias';
}

export type Node = ScalarNode | MapNode | SeqNode | AliasNode;
