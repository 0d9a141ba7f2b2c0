/** What other parsers say of a statement, in the words of the analysis. */
import { createRequire } from 'node:module';
import { type Node, parse } from 'sql-parser-cst';
import type { Family } from './statements.ts';

export interface Opinion {
  /** Upper case, first word of the operation; `undefined` where the parser has no such notion. */
  readonly operation: string | undefined;
  /** As written, without quotes; each once. */
  readonly tables: readonly string[];
}

/** `undefined`: the parser does not take the statement. */
export type Oracle = (sql: string) => Opinion | undefined;

interface AstParser {
  parse(sql: string): { readonly tableList: readonly string[]; readonly ast: unknown };
}

/** The package is CommonJS, and its bundles for one dialect each are a tenth of the whole. */
const load = createRequire(import.meta.url);
const BUNDLES: Readonly<Record<Family, string>> = {
  mysql: 'mysql',
  mariadb: 'mariadb',
  tsql: 'transactsql',
  db2: 'db2',
};

/** node-sql-parser: its table list names actions and tables, common table expressions among them. */
export function astOracle(family: Family): Oracle {
  const { Parser } = load(`node-sql-parser/build/${BUNDLES[family]}`) as { Parser: new () => AstParser };
  const parser = new Parser();
  return (sql) => {
    try {
      const { tableList, ast } = parser.parse(sql);
      const [first] = (Array.isArray(ast) ? ast : [ast]) as readonly { type?: string; keyword?: string }[];
      const tables = tableList.map((entry) => entry.split('::')).filter(([, , name]) => name !== 'null');
      return {
        operation: first?.type === 'transaction' ? undefined : first?.type?.toUpperCase(),
        tables: unique(tables.map(([, schema, name]) => (schema === 'null' ? `${name}` : `${schema}.${name}`))),
      };
    } catch {
      return undefined;
    }
  };
}

/** sql-parser-cst: tables are read from its concrete tree. */
export function cstOracle(): Oracle {
  return (sql) => {
    try {
      const tree = parse(sql, { dialect: 'mysql', includeSpaces: false });
      const tables: string[] = [];
      collect(tree, tables);
      return { operation: undefined, tables: unique(tables) };
    } catch {
      return undefined;
    }
  };
}

type Tree = Node & Readonly<Record<string, unknown>>;

/** Where the tree of a kind of node holds tables. */
const TABLE_KEYS: Readonly<Record<string, readonly string[]>> = {
  from_clause: ['expr'],
  insert_clause: ['table'],
  update_clause: ['tables'],
  delete_clause: ['tables'],
  create_table_clause: ['name'],
  create_table_stmt: ['name'],
  drop_table_stmt: ['tables'],
  truncate_stmt: ['tables'],
  alter_table_stmt: ['table'],
  rename_action: ['from', 'to'],
  create_index_stmt: ['table'],
  create_index_clause: ['table'],
  join_expr: ['left', 'right'],
};

function collect(value: unknown, out: string[]): void {
  if (Array.isArray(value)) for (const item of value) collect(item, out);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const node = value as Tree;
  for (const key of TABLE_KEYS[node.type] ?? []) tablesIn(node[key], out);
  for (const child of Object.values(node)) collect(child, out);
}

/** A name, perhaps with an alias, or a list or brackets of those. */
function tablesIn(value: unknown, out: string[]): void {
  if (Array.isArray(value)) for (const item of value) tablesIn(item, out);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const node = value as Tree;
  if (node.type === 'identifier') out.push(String(node['name']));
  else if (node.type === 'member_expr') out.push(`${nameOf(node['object'])}.${nameOf(node['property'])}`);
  else if (node.type === 'alias' || node.type === 'paren_expr') tablesIn(node['expr'], out);
  else if (node.type === 'list_expr') tablesIn(node['items'], out);
}

function nameOf(value: unknown): string {
  return String((value as Tree)['name']);
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
