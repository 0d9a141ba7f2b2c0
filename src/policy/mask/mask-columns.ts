/** The columns of a policy's `mask`, as the value finder asks for them. */
import { globMatches } from '../../base/glob.ts';
import type { WantedColumns } from '../../contracts/sql.ts';
import { isGlob, NameMatcher } from '../match/names.ts';
import { foldWidth } from '../match/width.ts';

/** A name or string whose letters may be written as escapes: `U&"\\0063ard"`. */
const ESCAPED_NAME = 'u&["\']';

interface Pattern {
  readonly column: string;
  /** The table's last part; `undefined`: any table. */
  readonly table: string | undefined;
}

/** Column names with wildcards; `table.column` counts in texts that mention the table. */
export class MaskColumns {
  private readonly patterns: readonly Pattern[];
  /** Finds any of the columns, or a table with one, as a part of a word too. */
  private readonly gate: RegExp;
  /** Of each pattern with a table, whether a text mentions that. */
  private readonly tables: ReadonlyMap<string, RegExp>;

  /** Of all patterns, once they were asked for together. */
  private all: WantedColumns | undefined = undefined;

  constructor(names: readonly string[]) {
    this.patterns = names.map(toPattern);
    const tables = this.patterns.flatMap(({ table }) => table ?? []);
    this.tables = new Map(tables.map((table) => [table, anyOf([table])]));
    this.gate = anyOf(this.patterns.flatMap(({ column, table }) => [column, table ?? column]));
  }

  get isEmpty(): boolean {
    return this.patterns.length === 0;
  }

  /** The columns that a text of a record may name; `undefined` when it names none. */
  wantedIn(text: string): WantedColumns | undefined {
    if (this.isEmpty) return undefined;
    const folded = foldWidth(text);
    if (!this.gate.test(folded)) return undefined;
    const patterns = this.patterns.filter(({ table }) => table === undefined || this.tables.get(table)?.test(folded));
    if (patterns.length === 0) return undefined;
    if (patterns.length === this.patterns.length) {
      this.all ??= wantedOf(patterns);
      return this.all;
    }
    return wantedOf(patterns);
  }

  /** One of the columns is wanted, given the tables beside them. */
  anyIn(columns: readonly string[], tables: readonly string[]): boolean {
    const last = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
    return this.patterns.some(
      ({ column, table }) =>
        columns.some((name) => matchesAny([column], last(name))) &&
        (table === undefined || tables.some((name) => matchesAny([table], last(name)))),
    );
  }
}

function wantedOf(patterns: readonly Pattern[]): WantedColumns {
  const columns = patterns.map(({ column }) => column);
  const tables = patterns.flatMap(({ table }) => table ?? []);
  const mentioned = anyOf(columns);
  const known = new NameMatcher(columns, false);
  return {
    column: (name) => known.test(name),
    table: (name) => matchesAny(tables, name),
    mentions: (part) => mentioned.test(foldWidth(part)),
  };
}

function toPattern(name: string): Pattern {
  const parts = name.toLowerCase().split('.');
  return { column: parts.at(-1) ?? '', table: parts.at(-2) };
}

function matchesAny(patterns: readonly string[], name: string): boolean {
  const folded = name.toLowerCase();
  return patterns.some((pattern) => (isGlob(pattern) ? globMatches(folded, pattern) : pattern === folded));
}

/** Any of the names wherever it stands, of one with wildcards its longest fixed part; the exact comparison decides. */
function anyOf(names: readonly string[]): RegExp {
  const sources = names.map((name) => {
    const fixed = name.split(/[*?]/).reduce((longest, part) => (part.length > longest.length ? part : longest), '');
    return fixed.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  });
  return new RegExp([...sources, ESCAPED_NAME].join('|'), 'i');
}
