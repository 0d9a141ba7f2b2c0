/** What a query asks for, as data: made by the query language or by command line options, compiled by `compile.ts`. */

import type { TimeRange } from './time.ts';

export type Comparison = '<' | '<=' | '>' | '>=' | '=';

/** A text to compare with. In a pattern `*` stands for any characters, `?` for one; case never matters. */
export interface Pattern {
  readonly text: string;
  readonly wildcards: boolean;
  /** An object's name with its schema, where it has one: `numbers` does not stand for `public.numbers`. */
  readonly exact?: boolean;
}

/** Fields that compare texts. */
export const TEXT_FIELDS = [
  'user',
  'enduser',
  'osuser',
  'host',
  'program',
  'db',
  'system',
  'session',
  'sensor',
  'kind',
  'call',
  'op',
  'object',
  'procedure',
  'fingerprint',
  'error',
  'rule',
  'action',
  'mark',
  'id',
] as const;
export type TextField = (typeof TEXT_FIELDS)[number];

/** Fields that compare numbers. Durations are microseconds. */
export const NUMBER_FIELDS = ['rows', 'returned', 'affected', 'duration', 'port', 'vlan', 'severity'] as const;
export type NumberField = (typeof NUMBER_FIELDS)[number];

export const ADDRESS_FIELDS = ['client', 'server'] as const;
export type AddressField = (typeof ADDRESS_FIELDS)[number];

/** A condition on audit records; with other fields, on records of other kinds (`vocabulary.ts`). */
export type Filter<T = TextField, N = NumberField, A = AddressField> =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Filter<T, N, A>[] }
  | { readonly kind: 'not'; readonly term: Filter<T, N, A> }
  /** One of the patterns matches the whole of the field's value (or of one of its values). */
  | { readonly kind: 'match'; readonly field: T; readonly patterns: readonly Pattern[] }
  | { readonly kind: 'number'; readonly field: N; readonly comparison: Comparison; readonly value: number }
  /** An address, a network (`10.0.0.0/8`), `address:port`, or a pattern on the host's name. */
  | { readonly kind: 'address'; readonly field: A; readonly patterns: readonly Pattern[] }
  /** The statement's text contains it, case aside. */
  | { readonly kind: 'text'; readonly needle: string }
  | { readonly kind: 'failed'; readonly value: boolean }
  /** Started within one of the ranges. */
  | { readonly kind: 'time'; readonly ranges: readonly TimeRange[] };

export interface Query {
  /** First moment, inclusive, in microseconds since 1970. */
  readonly fromUs?: number | undefined;
  /** Last moment, exclusive. */
  readonly toUs?: number | undefined;
  readonly filter?: Filter | undefined;
  /** Default `newest`. */
  readonly order?: 'newest' | 'oldest' | undefined;
  readonly limit?: number | undefined;
  /** Only what comes after this place in the order of results. */
  readonly after?: Place | undefined;
  /** Only records up to this sequence number: what was in the store at some moment. */
  readonly seqMax?: number | undefined;
}

/** Where a record stands: by time, then by order of arrival. */
export interface Place {
  readonly timeUs: number;
  readonly seq: number;
}
