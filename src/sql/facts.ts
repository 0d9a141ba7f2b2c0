/**
 * What the walk collects about one statement: operations, objects, columns, functions, and who stands behind an alias.
 * Names are compared without case, as every server does for unquoted ones; each is listed once, as first written.
 */
import type { SqlEffect } from '../contracts/sql.ts';
import { isSameWord } from './codes.ts';
import { namePart } from './names.ts';
import { KIND_WORD, type Tokens } from './tokens.ts';

/** Aliases and targets looked at per query level; further ones stand under the name they are written with. */
const SCOPE_MAX = 32;

export const NO_NAMES: readonly string[] = [];

/** Literals with SQL followed per statement; further ones are literals only. */
const CODE_MAX = 64;

/** Names in a list that are compared one by one; with more than that a map is asked. */
const COMPARED_MAX = 16;

/** A list of names, each once regardless of case. Used for one statement after another. */
export class NameList {
  private readonly names: string[] = [];
  /** Where a name stands as an ASCII word in the text, which is faster to compare; -1 for others. */
  private readonly starts: number[] = [];
  private folded: Map<string, number> | undefined = undefined;
  count = 0;

  /** Forgets all names. */
  reset(): void {
    for (let i = 0; i < this.count; i++) this.names[i] = '';
    this.count = 0;
    this.folded = undefined;
  }

  /** Index of `name`, which is added when new. */
  add(name: string): number {
    const found = this.indexOf(name);
    return found >= 0 ? found : this.push(name, -1);
  }

  /** Adds the name that token `i` is; a string is made of it when it is new only. */
  addToken(tokens: Tokens, i: number): void {
    if (tokens.kind[i] !== KIND_WORD || !tokens.codes.isAscii || this.count > COMPARED_MAX) {
      this.add(namePart(tokens, i));
      return;
    }
    const start = tokens.start[i] as number;
    if (!this.hasWord(tokens, start, (tokens.end[i] as number) - start)) this.push(tokens.slice(i), start);
  }

  /** The names in order. */
  list(): readonly string[] {
    if (this.count === 0) return NO_NAMES;
    // Of its true size at once, and no part of what is used again.
    const list = new Array<string>(this.count);
    for (let i = 0; i < this.count; i++) list[i] = this.names[i] as string;
    return list;
  }

  /** The name with that index. */
  at(i: number): string {
    return this.names[i] as string;
  }

  private push(name: string, start: number): number {
    const index = this.count++;
    this.names[index] = name;
    this.starts[index] = start;
    if (this.folded !== undefined) this.folded.set(name.toLowerCase(), index);
    else if (this.count > COMPARED_MAX) {
      this.folded = new Map();
      for (let i = 0; i < this.count; i++) this.folded.set((this.names[i] as string).toLowerCase(), i);
    }
    return index;
  }

  private indexOf(name: string): number {
    if (this.folded !== undefined) return this.folded.get(name.toLowerCase()) ?? -1;
    for (let i = 0; i < this.count; i++) if (sameName(this.names[i] as string, name)) return i;
    return -1;
  }

  private hasWord({ codes: { data }, text }: Tokens, start: number, length: number): boolean {
    for (let i = 0; i < this.count; i++) {
      const name = this.names[i] as string;
      if (name.length !== length) continue;
      const other = this.starts[i] as number;
      if (other >= 0 ? isSameWord(data, other, start, length) : sameName(name, text.slice(start, start + length)))
        return true;
    }
    return false;
  }
}

export function sameName(a: string, b: string): boolean {
  return a === b || (a.length === b.length && foldsAlike(a, b));
}

/** Whether two names of one length differ in case only. */
function foldsAlike(a: string, b: string): boolean {
  for (let i = 0; i < a.length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    if ((x | y) >= 0x80) return a.toLowerCase() === b.toLowerCase();
    const letter = x | 0x20;
    if (letter !== (y | 0x20) || letter < 0x61 || letter > 0x7a) return false;
  }
  return true;
}

interface Target {
  readonly object: number;
  readonly name: string;
  /** The name may be an alias that the level declares. */
  readonly mayBeAlias: boolean;
  isAssigned: boolean;
}

/** String literals that hold SQL. */
export interface EmbeddedCode {
  /** Token indices; several are joined by concatenation. */
  readonly tokens: readonly number[];
  /** The statement runs it; else it is only kept for later. */
  readonly isRun: boolean;
  /** It is a procedural block in PostgreSQL's manner. */
  readonly isBlock: boolean;
}

/** Where the lists of a query level begin. */
export interface ScopeMark {
  targets: number;
  aliases: number;
}

/** Used for one statement after another: what is to be kept of it is copied by the methods that give it. */
export class Facts {
  operation: string | undefined = undefined;
  readonly columns: NameList = new NameList();
  readonly functions: NameList = new NameList();
  procedure: string | undefined = undefined;
  executes: string | undefined = undefined;
  effect: SqlEffect | undefined = undefined;
  code: readonly EmbeddedCode[] = NO_CODE;
  /** The result depends on the content of a literal: two statements of one shape may differ. */
  readsLiterals = false;
  /** Explained, not run: nothing is written, inner verbs are no operations. */
  isDry = false;

  private readonly tokens: Tokens;
  private operationList: string[] = [];
  private readonly objectNames = new NameList();
  private readonly uses: number[] = [];
  private readonly written: boolean[] = [];
  private readonly targets: Target[] = [];
  /** Names of aliases, as tokens, and the objects behind them. */
  private readonly aliases: number[] = [];
  private readonly aliasObjects: number[] = [];
  private aliasCount = 0;

  /** Of statements that are read into `tokens`. */
  constructor(tokens: Tokens) {
    this.tokens = tokens;
  }

  /** Forgets the last statement. */
  reset(): void {
    this.operation = this.procedure = this.executes = undefined;
    this.effect = undefined;
    this.code = NO_CODE;
    this.readsLiterals = false;
    this.isDry = false;
    this.operationList = [];
    this.columns.reset();
    this.functions.reset();
    this.objectNames.reset();
    while (this.targets.length > 0) this.targets.pop();
    this.aliasCount = 0;
  }

  /** Adds an operation, each once; the first outer one is the statement's and goes first. */
  addOperation(name: string, isOuter: boolean): void {
    if (this.isDry) return;
    const list = this.operationList;
    if (list.length === 0) {
      if (isOuter) this.operation ??= name;
      this.operationList = [name];
      return;
    }
    const at = list.indexOf(name);
    if (isOuter && this.operation === undefined) {
      this.operation = name;
      if (at >= 0) list.splice(at, 1);
      list.unshift(name);
    } else if (at < 0) list.push(name);
  }

  operations(): readonly string[] {
    return this.operationList;
  }

  addObject(name: string, isWritten: boolean): number {
    const { count } = this.objectNames;
    const index = this.objectNames.add(name);
    const isNew = index === count;
    this.uses[index] = isNew ? 1 : (this.uses[index] as number) + 1;
    this.written[index] = isWritten || (!isNew && this.written[index] === true);
    return index;
  }

  /** Marks the object with that index, if there is one. */
  markWritten(object: number): void {
    if (object >= 0) this.written[object] = true;
  }

  /** A query level begins. */
  open(mark: ScopeMark): void {
    mark.targets = this.targets.length;
    mark.aliases = this.aliasCount;
  }

  /** Token `name` stands for the object. */
  addAlias(name: number, object: number, mark: ScopeMark): void {
    if (this.aliasCount - mark.aliases >= SCOPE_MAX) return;
    this.aliases[this.aliasCount] = name;
    this.aliasObjects[this.aliasCount] = object;
    this.aliasCount++;
  }

  addCode(tokens: readonly number[], isRun: boolean, isBlock: boolean): void {
    if (tokens.length === 0 || this.code.length >= CODE_MAX) return;
    this.code = [...this.code, { tokens, isRun, isBlock }];
    this.readsLiterals = true;
  }

  /** A name in the place of what UPDATE or DELETE changes; an alias declared later in the level may stand behind it. */
  addTarget(name: string, object: number, mark: ScopeMark, mayBeAlias: boolean): void {
    if (this.targets.length - mark.targets < SCOPE_MAX)
      this.targets.push({ name, object, mayBeAlias, isAssigned: false });
    else this.written[object] = true;
  }

  hasTargets(mark: ScopeMark): boolean {
    return this.targets.length > mark.targets;
  }

  /** `SET qualifier.column = …`: that target is the one that changes. */
  assign(qualifier: string, mark: ScopeMark): void {
    const alias = this.aliasNamed(qualifier, mark, -1);
    const object = alias < 0 ? -1 : (this.aliasObjects[alias] as number);
    for (let i = mark.targets; i < this.targets.length; i++) {
      const target = this.targets[i] as Target;
      if (target.object === object || sameName(target.name, qualifier)) target.isAssigned = true;
    }
  }

  /** Ends a query level: its targets are what changes, with `resolves` aliases replaced by what they stand for. */
  close(mark: ScopeMark, resolves: boolean): void {
    const { targets } = this;
    if (targets.length > mark.targets) this.change(mark, resolves);
    while (targets.length > mark.targets) targets.pop();
    this.aliasCount = mark.aliases;
  }

  private change(mark: ScopeMark, resolves: boolean): void {
    const { targets } = this;
    let anyAssigned = false;
    for (let i = mark.targets; i < targets.length; i++) anyAssigned ||= (targets[i] as Target).isAssigned;
    for (let i = mark.targets; i < targets.length; i++) {
      const { name, object, mayBeAlias, isAssigned } = targets[i] as Target;
      const alias = resolves && mayBeAlias ? this.aliasNamed(name, mark, object) : -1;
      if (alias >= 0) this.uses[object] = (this.uses[object] as number) - 1;
      if (isAssigned || !anyAssigned) this.written[alias < 0 ? object : (this.aliasObjects[alias] as number)] = true;
    }
  }

  /** The first alias with that name in the level that stands for another object than `except`, or -1. */
  private aliasNamed(name: string, mark: ScopeMark, except: number): number {
    for (let i = mark.aliases; i < this.aliasCount; i++) {
      if (this.aliasObjects[i] !== except && sameName(namePart(this.tokens, this.aliases[i] as number), name)) return i;
    }
    return -1;
  }

  objects(): readonly string[] {
    return this.named(false);
  }

  objectsWritten(): readonly string[] {
    return this.isDry ? NO_NAMES : this.named(true);
  }

  /** The objects that are used, or of these only those that are written. */
  private named(onlyWritten: boolean): readonly string[] {
    const { objectNames, uses, written } = this;
    let found = 0;
    for (let i = 0; i < objectNames.count; i++)
      if ((uses[i] as number) > 0 && (!onlyWritten || written[i] === true)) found++;
    if (found === 0) return NO_NAMES;
    const names = new Array<string>(found);
    found = 0;
    for (let i = 0; i < objectNames.count; i++)
      if ((uses[i] as number) > 0 && (!onlyWritten || written[i] === true)) names[found++] = objectNames.at(i);
    return names;
  }
}

const NO_CODE: readonly EmbeddedCode[] = [];
