/** The JSON schema of policy files (draft 2020-12), for editors; `policies/policy.schema.json` is its text. */
import { MARK_NAMES } from '../../contracts/event.ts';
import { SEVERITIES } from '../../contracts/record.ts';
import { CONDITIONS } from '../conditions/conditions.ts';
import type { JsonSchema } from '../conditions/definition.ts';
import { SENSITIVE_KINDS } from '../mask/sensitive.ts';
import { SNIPPET_KEYS } from './expectations.ts';
import {
  ACTIONS,
  type FILE_KEYS,
  type MASK_KEYS,
  MODES,
  RULE_ID_PATTERN,
  type RULE_KEYS,
  RULE_KEYS_NEEDED,
  SET_NAME_PATTERN,
} from './policy-file.ts';

const TEXT: JsonSchema = { type: 'string', minLength: 1 };
const TEXTS: JsonSchema = { type: 'array', items: { type: ['string', 'number'] } };

const MASK_KINDS: JsonSchema = { type: 'array', items: { enum: SENSITIVE_KINDS } };

const MASK_PROPERTIES: { readonly [K in (typeof MASK_KEYS)[number]]: JsonSchema } = {
  kinds: { ...MASK_KINDS, description: 'Found by form and checksum.' },
  columns: {
    ...TEXTS,
    description:
      'Columns, or table.column, whose literals and binds are masked; * and ? are wildcards, $name is a set.',
  },
};

const FILE_PROPERTIES: { readonly [K in (typeof FILE_KEYS)[number]]: JsonSchema } = {
  version: { const: 1, description: 'Version of this form.' },
  title: TEXT,
  description: TEXT,
  enabled: { type: 'boolean', description: 'false: checked with its folder, but not in force until named itself.' },
  record: {
    enum: ['all', 'matched'],
    description: 'What is kept without a rule: all records (default), or none but losses.',
  },
  mask: {
    description: 'Values that are masked in every record: kinds found by form and checksum, and columns.',
    anyOf: [MASK_KINDS, { type: 'object', additionalProperties: false, properties: MASK_PROPERTIES }],
  },
  sets: {
    type: 'object',
    description:
      'Named lists, for all files; conditions refer to them as $name. The same name in two files: both lists.',
    propertyNames: { pattern: SET_NAME_PATTERN },
    additionalProperties: TEXTS,
  },
  rules: { type: 'array', items: { $ref: '#/$defs/rule' } },
};

const RULE_PROPERTIES: { readonly [K in (typeof RULE_KEYS)[number]]: JsonSchema } = {
  id: { type: 'string', pattern: RULE_ID_PATTERN, description: 'Unique over all files; stored with every match.' },
  title: TEXT,
  reason: { ...TEXT, description: 'Why an auditor cares.' },
  references: { ...TEXTS, description: 'Standards and sources: PCI DSS 10.2.1.2, CWE-89, …' },
  severity: { enum: SEVERITIES, description: 'Needed for alerts; info when absent.' },
  tags: TEXTS,
  action: {
    enum: ACTIONS,
    description:
      'record: keep. alert: keep and alarm. ignore: drop, unless a rule with alert matches too. mask: keep, with all literals and binds masked.',
  },
  mode: {
    enum: MODES,
    description: 'enforce: as above (default). shadow: on trial; matches are written down, nothing else comes of them.',
  },
  when: { $ref: '#/$defs/condition' },
  tests: {
    type: 'object',
    additionalProperties: false,
    properties: {
      match: { type: 'array', items: { $ref: '#/$defs/snippet' } },
      miss: { type: 'array', items: { $ref: '#/$defs/snippet' } },
    },
  },
};

/** Builds the schema from the tables that the reader uses. */
export function policySchema(): JsonSchema {
  const leaves = Object.entries(CONDITIONS).map(([key, { doc, schema }]) => [key, { description: doc, ...schema }]);
  const nested: JsonSchema = { type: 'array', minItems: 1, items: { $ref: '#/$defs/condition' } };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Wiretrail policy',
    type: 'object',
    required: ['version'],
    additionalProperties: false,
    properties: FILE_PROPERTIES,
    $defs: {
      rule: {
        type: 'object',
        required: RULE_KEYS_NEEDED,
        additionalProperties: false,
        properties: RULE_PROPERTIES,
        if: { required: ['action'], properties: { action: { const: 'alert' } } },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: { required: ['severity'] },
      },
      condition: {
        type: 'object',
        description: 'All of it must hold.',
        minProperties: 1,
        additionalProperties: false,
        properties: {
          all: { ...nested, description: 'Each of these holds.' },
          any: { ...nested, description: 'At least one of these holds.' },
          not: { $ref: '#/$defs/condition', description: 'This does not hold (also when the fact is unknown).' },
          ...Object.fromEntries(leaves),
        },
      },
      snippet: {
        description: 'SQL text, or the facts of a record.',
        anyOf: [
          { type: 'string' },
          {
            type: 'object',
            additionalProperties: false,
            properties: Object.fromEntries(SNIPPET_KEYS.map((key) => [key, snippetSchema(key)])),
          },
        ],
      },
    },
  };
}

function snippetSchema(key: string): JsonSchema {
  if (key === 'marks') return { type: 'array', items: { enum: MARK_NAMES } };
  if (key === 'batch') return { type: 'boolean' };
  return { type: ['string', 'number'] };
}
