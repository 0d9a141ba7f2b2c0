/** The shape of an entry of the table of conditions, from which reading, the JSON schema and the documentation follow. */
import type { Argument } from './arguments.ts';
import type { Leaf } from './condition.ts';

export type JsonSchema = { readonly [key: string]: unknown };

export interface Definition {
  /** One or two sentences, shown by editors. */
  readonly doc: string;
  readonly schema: JsonSchema;
  /** `undefined` when it complained and nothing useful is left. */
  read(argument: Argument): Pick<Leaf, 'expected' | 'cost' | 'kinds' | 'servers' | 'serverPorts' | 'build'> | undefined;
}

/** A value or a list of values. */
export const LIST_SCHEMA: JsonSchema = {
  anyOf: [{ type: ['string', 'number'] }, { type: 'array', minItems: 1, items: { type: ['string', 'number'] } }],
};
