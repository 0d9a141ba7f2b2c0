/** What the SQL analysis says of a text: shared by audit, policy and store, produced by `src/sql`. */

export type SqlDialect = 'postgresql' | 'mysql' | 'tsql' | 'oracle' | 'db2' | 'generic';

/** Dialect by `db.system.name`; `generic` for those that are absent. */
export const SQL_DIALECTS: { readonly [system: string]: SqlDialect } = {
  postgresql: 'postgresql',
  mysql: 'mysql',
  mariadb: 'mysql',
  'microsoft.sql_server': 'tsql',
  sybase: 'tsql',
  'oracle.db': 'oracle',
  'ibm.db2': 'db2',
  derby: 'db2',
};

/** Procedures that take passwords, in small letters without database and owner: what they are called with is secret. */
export const SECRET_PROCEDURES: ReadonlySet<string> = new Set([
  'sp_addlogin',
  'sp_password',
  'sp_addlinkedsrvlogin',
  'sp_setapprole',
  'sp_addapprole',
  'sp_approlepassword',
]);

/** Half-open range of UTF-16 units in the analysed text. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

/** A change of the session that takes effect when the statement succeeds. */
export type SqlEffect =
  | { readonly kind: 'effective-user'; readonly user: string | undefined }
  | { readonly kind: 'database'; readonly database: string }
  | { readonly kind: 'schema'; readonly schema: string | undefined }
  | { readonly kind: 'program'; readonly program: string }
  | { readonly kind: 'prepare'; readonly name: string; readonly text: string | undefined }
  | { readonly kind: 'deallocate'; readonly name: string | undefined }
  | { readonly kind: 'discard-all' };

/**
 * What texts have in common that differ in plain literals only. One object a template, for as long as it is known; kept
 * by whoever remembers something of it in a table of `SQL_TEMPLATES_MAX` entries, at `slot`.
 */
export interface SqlTemplate {
  readonly slot: number;
}

export const SQL_TEMPLATES_MAX = 2048;

export interface SqlStatement {
  /** Where it stands in the text, without the separator and surrounding space. */
  readonly start: number;
  readonly end: number;
  /** Upper case, with its object class for DDL: `CREATE TABLE`. `undefined` for an empty statement. */
  readonly operation: string | undefined;
  /** All operations when there are several inside (`WITH x AS (DELETE …) SELECT`), else one. */
  readonly operations: readonly string[];
  /** Tables, views, … as written: schema kept, quotes removed, each once, in order of appearance. */
  readonly objects: readonly string[];
  /** The subset that is written or changed. */
  readonly objectsWritten: readonly string[];
  /** Columns the text names, as far as a lexer can tell. */
  readonly columns: readonly string[];
  readonly functions: readonly string[];
  /** For CALL, EXEC and the like. */
  readonly procedure: string | undefined;
  /** Name in EXECUTE of a statement prepared in SQL. */
  readonly executes: string | undefined;
  /** Normalised text: literals and lists as `?`, one space, keywords upper case, comments gone. */
  readonly summary: string;
  /** 16 hex digits: hash of `summary`. */
  readonly fingerprint: string;
  /** Literals, in order. */
  readonly literals: readonly TextSpan[];
  /** Literals that are secrets by grammar (`IDENTIFIED BY '…'`, `PASSWORD '…'`). */
  readonly secrets: readonly TextSpan[];
  /** Key-value pairs of sqlcommenter comments, values decoded. */
  readonly tags: ReadonlyMap<string, string> | undefined;
  readonly effect: SqlEffect | undefined;
  /**
   * Set when the statement is all of its text and that was recognised: then all but the contents of `literals` is as in
   * every other text of the template, and each literal is a number of digits, or a plain string in single quotes.
   */
  readonly template: SqlTemplate | undefined;
}

export interface SqlAnalyzer {
  /** Statements of `text` in order; never splits inside a literal, quoted name, comment or block. Never throws. */
  analyze(text: string, dialect: SqlDialect): readonly SqlStatement[];
}

/** Which columns are meant, by the names a text gives them. */
export interface WantedColumns {
  /** `name` is a column's, without qualifier and quotes. */
  column(name: string): boolean;
  /** Rows put into the table without a list of columns hold such a value. */
  table(name: string): boolean;
  /** The text may name a wanted column: false negatives are not allowed. */
  mentions(text: string): boolean;
}

/** Values of a text that stand, or may stand, for wanted columns. */
export interface ColumnValues {
  /** Literals in order, none inside another. */
  readonly literals: readonly TextSpan[];
  /** Indices of bind values, rising; `undefined` when any of them may be one. */
  readonly binds: readonly number[] | undefined;
}

export interface ColumnValueFinder {
  /** `bindCount` values were sent with the text. Never throws; in doubt a value counts as found. */
  find(text: string, dialect: SqlDialect, wanted: WantedColumns, bindCount: number): ColumnValues;
}
