/** Statements that are neither queries nor definitions: privileges, bulk transfer, maintenance, inspection, control. */
import { nameList, skipExists } from './ddl.ts';
import { Name, readName } from './names.ts';
import { KIND_COMMA, KIND_LEFT, KIND_SEMICOLON, type Tokens } from './tokens.ts';
import { definitionEnd, embeddedQuery, endOf, innerStatement, type Walk } from './walk.ts';

/** Statements named by their first word alone. */
const PLAIN: ReadonlySet<string> = new Set(
  `COMMIT ROLLBACK SAVEPOINT KILL FETCH MOVE CLOSE OPEN CHECKPOINT DECLARE LISTEN NOTIFY UNLISTEN
   SHUTDOWN RESTART FLUSH HELP SIGNAL GET RAISERROR THROW PRINT WAITFOR DBCC RECONFIGURE XA BINLOG
   CACHE AUDIT NOAUDIT GOTO LEAVE ITERATE CONTINUE RAISE STOP INSTALL UNINSTALL RETURN NEXT`.split(/\s+/),
);

/** First word → the operation, where it is another word for one. */
const SYNONYMS: { readonly [word: string]: string } = {
  ABORT: 'ROLLBACK',
  SAVE: 'SAVEPOINT',
  DESC: 'DESCRIBE',
};

/** Walks a utility statement at `i`: where it ends, or 0 when `word` begins none. */
export function utilityStatement(walk: Walk, word: string, i: number): number {
  switch (word) {
    case 'EXPLAIN':
      return explain(walk, i);
    case 'END':
      // PostgreSQL's other word for COMMIT; elsewhere the end of a block whose beginning was not seen.
      walk.facts.addOperation(walk.rules.freeOperators ? 'COMMIT' : 'END', true);
      return endOf(walk, i + 1);
    case 'DESCRIBE':
    case 'DESC':
      return describe(walk, i);
    case 'SHOW':
      return show(walk, i);
    case 'GRANT':
    case 'REVOKE':
    case 'DENY':
      return grant(walk, word, i);
    case 'COPY':
      return copy(walk, i);
    case 'LOAD':
      return load(walk, i);
    case 'LOCK':
    case 'UNLOCK':
      return lock(walk, word, i);
    case 'DECLARE':
      return declare(walk, i);
    case 'DO':
      return doBlock(walk, i);
    default:
      return simpleStatement(walk, word, i);
  }
}

function simpleStatement(walk: Walk, word: string, i: number): number {
  const { tokens, facts } = walk;
  const second = tokens.word(i + 1);
  switch (word) {
    case 'TRUNCATE':
      facts.addOperation('TRUNCATE', true);
      return nameList(walk, skipExists(tokens, second === 'TABLE' ? i + 2 : i + 1), true);
    case 'RENAME':
      return rename(walk, i);
    case 'ANALYZE':
    case 'ANALYSE':
    case 'VACUUM':
    case 'REINDEX':
    case 'CLUSTER':
    case 'OPTIMIZE':
    case 'REPAIR':
    case 'CHECK':
    case 'CHECKSUM':
      return maintenance(walk, word, i);
    case 'UPDATE':
      facts.addOperation('UPDATE STATISTICS', true);
      return nameList(walk, i + 2, false);
    case 'REFRESH':
      facts.addOperation('REFRESH MATERIALIZED VIEW', true);
      return nameList(walk, skipExists(tokens, i + 3), true);
    case 'COMMENT':
      facts.addOperation('COMMENT', true);
      return commentOn(walk, i);
    case 'BACKUP':
    case 'RESTORE':
    case 'FLASHBACK':
    case 'PURGE':
      return wholeObject(walk, word, i);
    case 'BULK':
      facts.addOperation('BULK INSERT', true);
      return nameList(walk, i + 2, true);
    case 'HANDLER':
      facts.addOperation('HANDLER', true);
      return nameList(walk, i + 1, false);
    case 'IMPORT':
    case 'REASSIGN':
    case 'RELEASE':
    case 'SECURITY':
    case 'START':
    case 'STOP':
    case 'RESET':
    case 'CHANGE':
      facts.addOperation(transactionOr(word, tokens, i), true);
      return endOf(walk, i + 1);
    default:
  }
  const operation = SYNONYMS[word] ?? (PLAIN.has(word) ? word : '');
  if (operation === '') return 0;
  facts.addOperation(operation, true);
  return endOf(walk, i + 1);
}

/** Statements on a whole table or database named behind its class; the operation keeps the class. */
function wholeObject(walk: Walk, word: string, i: number): number {
  const { tokens, facts } = walk;
  const second = tokens.word(i + 1);
  const isNamed = second === 'TABLE' || second === 'DATABASE';
  facts.addOperation(isNamed ? `${word} ${second}` : word, true);
  const name = new Name();
  if (isNamed && readName(tokens, i + 2, name)) facts.addObject(name.text, word !== 'BACKUP');
  return endOf(walk, i + 1);
}

/** `START TRANSACTION` is BEGIN; the others keep their second word. */
function transactionOr(word: string, tokens: Tokens, i: number): string {
  if (word === 'START' && tokens.word(i + 1) === 'TRANSACTION') return 'BEGIN';
  const second = tokens.slice(i + 1).toUpperCase();
  return /^[A-Z]{1,20}$/.test(second) ? `${word} ${second}` : word;
}

/** The statement behind EXPLAIN; it only runs with ANALYZE. */
function explain(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  facts.addOperation('EXPLAIN', true);
  let isRun = false;
  for (let p = i + 1; p < tokens.count; p++) {
    const word = tokens.word(p);
    if (word === 'ANALYZE' || word === 'ANALYSE') {
      isRun = !isSwitchedOff(tokens, p + 1);
      if (tokens.isLiteral(p + 1)) facts.readsLiterals = true;
    } else if (isExplained(word) || (tokens.kindAt(p) === KIND_LEFT && isExplained(tokens.word(p + 1)))) {
      if (!isRun) facts.isDry = true;
      return innerStatement(walk, p);
    }
  }
  const isTable = tokens.isName(i + 1) && tokens.word(i + 1) === '';
  return isTable ? describe(walk, i) : tokens.count;
}

function isSwitchedOff(tokens: Tokens, i: number): boolean {
  const setting = tokens.slice(i).toLowerCase();
  return setting === 'false' || setting === 'off' || setting === '0';
}

function isExplained(word: string): boolean {
  switch (word) {
    case 'SELECT':
    case 'WITH':
    case 'INSERT':
    case 'UPDATE':
    case 'DELETE':
    case 'MERGE':
    case 'REPLACE':
    case 'TABLE':
    case 'VALUES':
    case 'CREATE':
    case 'DECLARE':
    case 'EXECUTE':
    case 'REFRESH':
      return true;
    default:
      return false;
  }
}

function describe(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  if (facts.operation === undefined) facts.addOperation('DESCRIBE', true);
  const at = tokens.word(i + 1) === 'TABLE' || tokens.word(i + 1) === 'EXTENDED' ? i + 2 : i + 1;
  if (isExplained(tokens.word(at))) {
    facts.isDry = true;
    return innerStatement(walk, at);
  }
  const name = new Name();
  if (readName(tokens, at, name)) facts.addObject(name.text, false);
  return tokens.count;
}

/** MySQL: the table of SHOW COLUMNS, INDEX and CREATE; the others name none. */
function show(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  facts.addOperation('SHOW', true);
  const name = new Name();
  for (let p = i + 1; p < tokens.count; p++) {
    switch (tokens.word(p)) {
      case 'COLUMNS':
      case 'FIELDS':
      case 'INDEX':
      case 'INDEXES':
      case 'KEYS':
        if ((tokens.word(p + 1) === 'FROM' || tokens.word(p + 1) === 'IN') && readName(tokens, p + 2, name))
          facts.addObject(name.text, false);
        return tokens.count;
      case 'CREATE':
        if (readName(tokens, skipExists(tokens, p + 2), name)) facts.addObject(name.text, false);
        return tokens.count;
      case 'FROM':
      case 'LIKE':
      case 'WHERE':
        return tokens.count;
      default:
    }
  }
  return tokens.count;
}

/** Words behind ON that say what is granted on, and are not tables. */
const NOT_TABLES: ReadonlySet<string> = new Set([
  'SCHEMA',
  'DATABASE',
  'LANGUAGE',
  'TABLESPACE',
  'LARGE',
  'DOMAIN',
  'TYPE',
  'ALL',
  'SERVER',
  'LOGIN',
  'ROLE',
  'USER',
  'DIRECTORY',
]);

function grant(walk: Walk, word: string, i: number): number {
  const { tokens, facts, rules } = walk;
  facts.addOperation(word, true);
  let p = i + 1;
  // The privileges' own names are verbs: none of them begins a statement.
  while (p < tokens.count && tokens.word(p) !== 'ON' && !isEnd(tokens.word(p)) && tokens.kindAt(p) !== KIND_SEMICOLON)
    p++;
  if (tokens.word(p) !== 'ON') return definitionEnd(walk, p);
  const on = tokens.word(p + 1);
  let at = p + 1;
  if (rules.batch && tokens.slice(p + 2) === '::') {
    if (on !== 'OBJECT') return definitionEnd(walk, p);
    at = p + 3;
  } else if (NOT_TABLES.has(on)) return definitionEnd(walk, p);
  else if (/^(TABLE|FUNCTION|PROCEDURE|SEQUENCE|ROUTINE)$/i.test(tokens.slice(at)) && !isEnd(tokens.word(at + 1))) at++;
  const end = definitionEnd(walk, at);
  objectsOf(walk, at, end);
  return end;
}

function isEnd(word: string): boolean {
  return word === 'TO' || word === 'FROM';
}

function objectsOf(walk: Walk, from: number, end: number): void {
  const { tokens, facts } = walk;
  const name = new Name();
  for (let i = from; i < end && !isEnd(tokens.word(i)); ) {
    const isFirst = i === from || tokens.kindAt(i - 1) === KIND_COMMA;
    if (isFirst && readName(tokens, i, name)) {
      facts.addObject(name.text, true);
      i = name.next;
    } else if (tokens.kindAt(i) === KIND_LEFT) break;
    else i++;
  }
}

/** `COPY table (columns) FROM …`, `COPY (query) TO …`. */
function copy(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  facts.addOperation('COPY', true);
  if (tokens.kindAt(i + 1) === KIND_LEFT) return embeddedQuery(walk, i + 1);
  const name = new Name();
  const at = tokens.word(i + 1) === 'BINARY' ? i + 2 : i + 1;
  if (!readName(tokens, at, name)) return tokens.count;
  let p = name.next;
  while (p < tokens.count && tokens.word(p) !== 'FROM' && tokens.word(p) !== 'TO') {
    if (tokens.isName(p)) facts.columns.add(tokens.slice(p));
    p++;
  }
  facts.addObject(name.text, tokens.word(p) === 'FROM');
  return tokens.count;
}

/** `LOAD DATA … INTO TABLE t`, `LOAD XML`; DB2 `LOAD FROM f OF DEL INSERT INTO t`. */
function load(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  const second = tokens.word(i + 1);
  facts.addOperation(second === 'DATA' || second === 'XML' ? `LOAD ${second}` : 'LOAD', true);
  const name = new Name();
  for (let p = i + 1; p < tokens.count; p++) {
    if (tokens.word(p) !== 'INTO') continue;
    if (readName(tokens, tokens.word(p + 1) === 'TABLE' ? p + 2 : p + 1, name)) facts.addObject(name.text, true);
    break;
  }
  return tokens.count;
}

/** PostgreSQL: `DO [LANGUAGE name] 'body'`; MySQL's DO takes an expression. */
function doBlock(walk: Walk, i: number): number {
  const { tokens, facts, rules } = walk;
  facts.addOperation('DO', true);
  const body = tokens.word(i + 1) === 'LANGUAGE' ? i + 3 : i + 1;
  if (rules.dollarQuotes && tokens.isString(body)) facts.addCode([body], true, true);
  return endOf(walk, i + 1);
}

function lock(walk: Walk, word: string, i: number): number {
  const { tokens, facts } = walk;
  if (word === 'UNLOCK') {
    facts.addOperation('UNLOCK TABLES', true);
    return tokens.count;
  }
  facts.addOperation('LOCK TABLE', true);
  const hasWord = tokens.word(i + 1) === 'TABLE' || tokens.word(i + 1) === 'TABLES';
  return nameList(walk, skipExists(tokens, hasWord ? i + 2 : i + 1), false);
}

/** How far the FOR of a cursor may stand behind DECLARE. */
const CURSOR_TOKENS_MAX = 16;

/** `DECLARE name CURSOR FOR query`; a T-SQL variable list names no tables. */
function declare(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  facts.addOperation('DECLARE', true);
  const end = Math.min(tokens.count, i + CURSOR_TOKENS_MAX);
  for (let p = i + 1; p < end && tokens.kindAt(p) !== KIND_SEMICOLON; p++) {
    if (tokens.word(p) === 'FOR' && isExplained(tokens.word(p + 1))) return innerStatement(walk, p + 1);
  }
  return endOf(walk, i + 1);
}

function rename(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  const isTable = tokens.word(i + 1) === 'TABLE' || tokens.word(i + 1) === 'TABLES';
  facts.addOperation(isTable ? 'RENAME TABLE' : 'RENAME', true);
  const name = new Name();
  let p = isTable ? i + 2 : i + 1;
  while (p < tokens.count && tokens.kindAt(p) !== KIND_SEMICOLON) {
    if (tokens.isName(p) && readName(tokens, p, name)) {
      facts.addObject(name.text, true);
      p = name.next;
    } else p++;
  }
  return p;
}

/** `ANALYZE`, `VACUUM`, `OPTIMIZE TABLE` and their kin: options, then a list of tables. */
function maintenance(walk: Walk, word: string, i: number): number {
  const { tokens, facts } = walk;
  const needsTable = word === 'OPTIMIZE' || word === 'REPAIR' || word === 'CHECK' || word === 'CHECKSUM';
  facts.addOperation(needsTable ? `${word} TABLE` : word === 'ANALYSE' ? 'ANALYZE' : word, true);
  let p = i + 1;
  while (p < tokens.count) {
    if (tokens.kindAt(p) === KIND_LEFT && p === i + 1) {
      while (p < tokens.count && tokens.kindAt(p) !== KIND_LEFT + 1) p++;
      p++;
    } else if (tokens.word(p) !== '' && !isListed(tokens, p)) p++;
    else break;
  }
  return nameList(walk, p, false);
}

/** A keyword that stands where the table's name must. */
function isListed(tokens: Tokens, i: number): boolean {
  const word = tokens.word(i);
  if (word === 'ANALYZE' || word === 'VERBOSE' || word === 'FREEZE') return false;
  return i + 1 >= tokens.count || tokens.kindAt(i + 1) === KIND_COMMA;
}

/** `COMMENT ON TABLE t IS …`, `COMMENT ON COLUMN t.c IS …`. */
function commentOn(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  const name = new Name();
  const onClass = tokens.word(i + 2);
  if (!readName(tokens, i + 3, name)) return tokens.count;
  if (onClass === 'TABLE' || onClass === 'VIEW' || onClass === 'SEQUENCE') facts.addObject(name.text, true);
  else if (onClass === 'COLUMN' && name.parts > 1) facts.addObject(name.text.slice(0, -name.last.length - 1), true);
  return tokens.count;
}
