/**
 * CREATE, ALTER and DROP: the object class makes the operation's second word, the name behind it is the object.
 * The body of a stored unit is not run by creating it and is not walked; the query of a view or `CREATE TABLE … AS` is.
 */
import { Name, readName, skipBrackets } from './names.ts';
import { KIND_COMMA, KIND_LEFT, KIND_RIGHT, KIND_SEMICOLON, type Tokens } from './tokens.ts';
import { definitionEnd, embeddedQuery, startsAfterDefinition, type Walk } from './walk.ts';

/** How far the object class may stand behind the verb (`DEFINER = 'a'@'b' SQL SECURITY DEFINER …`). */
const CLASS_DISTANCE_MAX = 20;

/** Object classes; several words are joined as they come. */
const CLASSES: ReadonlySet<string> = new Set(
  `TABLE VIEW INDEX SEQUENCE TRIGGER FUNCTION PROCEDURE PROC PACKAGE TYPE DOMAIN SYNONYM SCHEMA DATABASE ROLE USER LOGIN GROUP
   TABLESPACE EXTENSION POLICY RULE SERVER PUBLICATION SUBSCRIPTION EVENT LANGUAGE CAST AGGREGATE COLLATION CONVERSION
   OPERATOR STATISTICS PROFILE DIRECTORY LIBRARY CONTEXT CLUSTER SESSION SYSTEM CREDENTIAL CERTIFICATE ASSEMBLY QUEUE
   SERVICE MODULE VARIABLE BUFFERPOOL MASK PERMISSION ALIAS NICKNAME WRAPPER TRANSFORM KEY AUTHORIZATION AUDIT INSTANCE
   OUTLINE PARTITION ENDPOINT RESOURCE WORKLOAD THRESHOLD PFILE SPFILE CONTROLFILE RESTORE`.split(/\s+/),
);

/** Words before the class that are part of it. */
const CLASS_PREFIXES: ReadonlySet<string> = new Set([
  'MATERIALIZED',
  'FOREIGN',
  'ACCESS',
  'TEXT',
  'LARGE',
  'DEFAULT',
  'LINKED',
]);

/** First word → second words that belong to the class. */
const CLASS_PAIRS: { readonly [first: string]: readonly string[] } = {
  DATABASE: ['LINK', 'AUDIT', 'ENCRYPTION', 'SCOPED'],
  USER: ['MAPPING'],
  EVENT: ['TRIGGER', 'SESSION', 'NOTIFICATION'],
  PACKAGE: ['BODY'],
  TYPE: ['BODY'],
  OPERATOR: ['CLASS', 'FAMILY'],
  SERVER: ['ROLE', 'AUDIT', 'CONFIGURATION'],
  RESOURCE: ['POOL', 'GROUP', 'GOVERNOR'],
  TEXT: ['SEARCH'],
  FOREIGN: ['DATA'],
  LARGE: ['OBJECT'],
  ACCESS: ['METHOD'],
  DEFAULT: ['PRIVILEGES'],
};

/** Classes whose objects belong to a table named behind ON. */
const ON_TABLE: ReadonlySet<string> = new Set(['INDEX', 'TRIGGER', 'POLICY', 'RULE', 'STATISTICS']);

/** Classes that have no name of their own to list. */
const NAMELESS: ReadonlySet<string> = new Set([
  'SESSION',
  'SYSTEM',
  'CAST',
  'USER MAPPING',
  'DEFAULT PRIVILEGES',
  'OPERATOR',
  'TRANSFORM',
  'RESOURCE GOVERNOR',
  'KEY',
]);

/** An object class and where its name stands. */
interface ClassAt {
  readonly name: string;
  readonly next: number;
}

const NO_CLASS: ClassAt = { name: '', next: 0 };

function classAt(tokens: Tokens, from: number): ClassAt {
  const end = Math.min(tokens.count, from + CLASS_DISTANCE_MAX);
  for (let i = from; i < end; i++) {
    if (tokens.kindAt(i) === KIND_SEMICOLON) break;
    const word = tokens.slice(i).toUpperCase();
    const isPrefix = CLASS_PREFIXES.has(word);
    if (!isPrefix && !CLASSES.has(word)) continue;
    const second = tokens.slice(i + 1).toUpperCase();
    if (isPrefix && !CLASSES.has(second) && !(CLASS_PAIRS[word]?.includes(second) ?? false)) continue;
    if (isPrefix || (CLASS_PAIRS[word]?.includes(second) ?? false)) {
      const third = word === 'FOREIGN' && second === 'DATA' ? ' WRAPPER' : '';
      return { name: `${word} ${second}${third}`, next: i + (third === '' ? 2 : 3) };
    }
    return { name: word === 'PROC' ? 'PROCEDURE' : word, next: i + 1 };
  }
  return NO_CLASS;
}

/** Behind IF [NOT] EXISTS, ONLY and CONCURRENTLY. */
export function skipExists(tokens: Tokens, from: number): number {
  let i = from;
  if (tokens.word(i) === 'CONCURRENTLY') i++;
  if (tokens.word(i) === 'IF') {
    i++;
    if (tokens.word(i) === 'NOT') i++;
    if (tokens.word(i) === 'EXISTS') i++;
  }
  return tokens.word(i) === 'ONLY' && tokens.isName(i + 1) ? i + 1 : i;
}

export function createStatement(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  const found = classAt(tokens, i + 1);
  facts.addOperation(found.name === '' ? 'CREATE' : `CREATE ${found.name}`, true);
  if (found.name === '') return definitionEnd(walk, i + 1);
  const name = new Name();
  const at = skipExists(tokens, found.next);
  const isNamed =
    !NAMELESS.has(found.name) &&
    tokens.word(at) !== 'ON' &&
    tokens.word(at) !== 'AUTHORIZATION' &&
    readName(tokens, at, name);
  const next = isNamed ? name.next : at;
  if (ON_TABLE.has(found.name)) return onTable(walk, next, isNamed ? name.text : '', found.name === 'TRIGGER');
  if (isNamed) facts.addObject(name.text, true);
  switch (found.name) {
    case 'TABLE':
    case 'VIEW':
    case 'MATERIALIZED VIEW':
    case 'FOREIGN TABLE':
      return tableRest(walk, next);
    case 'SYNONYM':
    case 'ALIAS':
    case 'NICKNAME':
      if (tokens.word(next) === 'FOR' && readName(tokens, next + 1, name)) facts.addObject(name.text, false);
      return definitionEnd(walk, next);
    case 'PUBLICATION':
      return publication(walk, next);
    case 'PROCEDURE':
    case 'FUNCTION':
      storedBody(walk, next);
      return tokens.count;
    case 'PACKAGE':
    case 'PACKAGE BODY':
    case 'TYPE BODY':
      return tokens.count;
    case 'EVENT':
      return walk.rules.batch ? definitionEnd(walk, next) : tokens.count;
    default:
      return definitionEnd(walk, next);
  }
}

/** PostgreSQL: the body of a stored unit is a literal behind AS. */
function storedBody(walk: Walk, from: number): void {
  const { tokens, facts, rules } = walk;
  if (!rules.dollarQuotes) return;
  for (let i = from; i < tokens.count; i++) {
    if (tokens.word(i) === 'AS' && tokens.isString(i + 1)) facts.addCode([i + 1], false, true);
  }
}

/** An index, trigger or policy: the table behind ON is what changes; without one, the object itself. */
function onTable(walk: Walk, from: number, ownName: string, isTrigger: boolean): number {
  const { tokens, facts } = walk;
  const name = new Name();
  const end = isTrigger ? tokens.count : definitionEnd(walk, from);
  for (let i = from; i < end; i++) {
    const word = tokens.word(i);
    // PostgreSQL's rules: ON event TO table.
    if (word !== 'ON' && !(word === 'TO' && tokens.word(i - 1) !== 'RENAME')) continue;
    const at = skipExists(tokens, i + 1);
    if (tokens.isReserved(at) || !readName(tokens, at, name)) continue;
    facts.addObject(name.text, true);
    return end;
  }
  if (ownName !== '') facts.addObject(ownName, true);
  return end;
}

/** Behind the name of a table or view: other tables its definition names, and its query. */
function tableRest(walk: Walk, from: number): number {
  const { tokens, facts } = walk;
  const name = new Name();
  let depth = 0;
  for (let i = from; i < tokens.count; i++) {
    switch (tokens.word(i)) {
      case 'SELECT':
      case 'WITH':
      case 'VALUES':
        if (tokens.word(i) !== 'SELECT' && tokens.word(i - 1) !== 'AS') break;
        if (walk.rules.batch && depth <= 0 && startsAfterDefinition(tokens, i)) return i;
        return embeddedQuery(walk, tokens.kindAt(i - 1) === KIND_LEFT ? i - 1 : i);
      case 'TABLE':
        if (tokens.word(i - 1) === 'AS') return embeddedQuery(walk, i);
        break;
      case 'REFERENCES':
      case 'LIKE':
      case 'CLONE':
      case 'OF':
        if (tokens.isName(i + 1) && readName(tokens, i + 1, name)) facts.addObject(name.text, false);
        break;
      case 'INHERITS':
        if (tokens.kindAt(i + 1) === KIND_LEFT && readName(tokens, i + 2, name)) facts.addObject(name.text, false);
        break;
      case 'EXECUTE':
        if (tokens.word(i - 1) === 'AS' && readName(tokens, i + 1, name)) facts.executes = name.text;
        break;
      default:
        if (tokens.kindAt(i) === KIND_LEFT) depth++;
        else if (tokens.kindAt(i) === KIND_RIGHT) depth--;
        else if (tokens.kindAt(i) === KIND_SEMICOLON) return i;
        else if (walk.rules.batch && depth <= 0 && startsAfterDefinition(tokens, i)) return i;
    }
  }
  return tokens.count;
}

function publication(walk: Walk, from: number): number {
  const { tokens } = walk;
  for (let i = from; i < tokens.count; i++) if (tokens.word(i) === 'TABLE') return nameList(walk, i + 1, false);
  return tokens.count;
}

export function alterStatement(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  const found = classAt(tokens, i + 1);
  facts.addOperation(found.name === '' ? 'ALTER' : `ALTER ${found.name}`, true);
  const name = new Name();
  if (found.name === 'SESSION') return alterSession(walk, found.next);
  if (found.name === '' || NAMELESS.has(found.name)) return definitionEnd(walk, i + 1);
  const at = skipExists(tokens, found.next);
  if (tokens.isReserved(at) || !readName(tokens, at, name)) return definitionEnd(walk, at);
  if (ON_TABLE.has(found.name)) return onTable(walk, name.next, name.text, false);
  facts.addObject(name.text, true);
  return found.name.endsWith('TABLE') || found.name.endsWith('VIEW')
    ? alterTable(walk, name.next)
    : definitionEnd(walk, name.next);
}

/** Behind the name in ALTER TABLE or VIEW. */
function alterTable(walk: Walk, from: number): number {
  const { tokens, facts } = walk;
  const name = new Name();
  const end = definitionEnd(walk, from);
  for (let i = from; i < end; i++) {
    const word = tokens.word(i);
    const follows = tokens.isName(i + 1) && readName(tokens, i + 1, name);
    if (word === 'REFERENCES' && follows) facts.addObject(name.text, false);
    else if (word === 'TO' && follows && (tokens.word(i - 1) === 'RENAME' || tokens.word(i - 1) === 'SWITCH')) {
      facts.addObject(name.text, true);
    } else if (word === 'SELECT') return embeddedQuery(walk, i);
  }
  return end;
}

function alterSession(walk: Walk, from: number): number {
  const { tokens, facts } = walk;
  for (let i = from; i + 2 < tokens.count; i++) {
    if (tokens.slice(i).toUpperCase() !== 'CURRENT_SCHEMA' || !tokens.isOperator(i + 1, 0x3d)) continue;
    const name = new Name();
    if (readName(tokens, i + 2, name)) facts.effect = { kind: 'schema', schema: name.text };
  }
  return definitionEnd(walk, from);
}

export function dropStatement(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  const found = classAt(tokens, i + 1);
  facts.addOperation(found.name === '' ? 'DROP' : `DROP ${found.name}`, true);
  if (found.name === '' || NAMELESS.has(found.name)) return definitionEnd(walk, i + 1);
  const at = skipExists(tokens, found.next);
  const name = new Name();
  const isOnTable = ON_TABLE.has(found.name) && readName(tokens, at, name) && tokens.word(name.next) === 'ON';
  if (isOnTable) return onTable(walk, name.next, name.text, false);
  return nameList(walk, at, true);
}

/** A list of names with brackets, aliases and words between the commas: each is an object. */
export function nameList(walk: Walk, from: number, isWritten: boolean): number {
  const { tokens, facts } = walk;
  const name = new Name();
  let i = from;
  let isExpected = true;
  while (i < tokens.count && tokens.kindAt(i) !== KIND_SEMICOLON) {
    const kind = tokens.kindAt(i);
    if (kind === KIND_COMMA) {
      isExpected = true;
      i = skipExists(tokens, i + 1);
    } else if (kind === KIND_LEFT) i = skipBrackets(tokens, i);
    else if (isExpected && !tokens.isReserved(i) && readName(tokens, i, name)) {
      facts.addObject(name.text, isWritten);
      isExpected = false;
      i = name.next;
    } else if (!isExpected && walk.rules.batch && startsAfterDefinition(tokens, i)) return i;
    else i++;
  }
  return i;
}
