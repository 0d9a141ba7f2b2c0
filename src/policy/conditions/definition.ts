/** The shape of an entry of the table of conditions, from which reading, the JSON schema and the documentation follow. */
import type { Argument } from './arguments.ts';
import type { Leaf } from './condition.ts';

export type JsonSchema = { readonly [key: string]: unknown };

export interface Definition {
  /** One or two sentences, shown by editors. */
  readonly doc: string;
  readonly schema: JsonSchema;
  /** `undefined` when it complained and nothing useful is left. */
  read(argument: Argument): Omit<Leaf, 'kind' | 'name' | 'position'> | undefined;
}

/** A condition on what the statements of one template have in common. */
export function fixed(definition: Definition): Definition {
  return {
    ...definition,
    read(argument) {
      const leaf = definition.read(argument);
      return leaf && { ...leaf, isFixed: true };
    },
  };
}

/** A value or a list of values. */
export const LIST_SCHEMA: JsonSchema = {
  anyOf: [{ type: ['string', 'number'] }, { type: 'array', minItems: 1, items: { type: ['string', 'number'] } }],
};
