/**
 * What the walk collects about one statement: operations, objects, columns, functions, and who stands behind an alias.
 * Names are compared without case, as every server does for unquoted ones; each is listed once, as first written.
 */
import type { SqlEffect } from '../contracts/sql.ts';

/** Aliases and targets looked at per query level; further ones stand under the name they are written with. */
const SCOPE_MAX = 32;

const NO_NAMES: readonly string[] = [];

/** Literals with SQL followed per statement; further ones are literals only. */
const CODE_MAX = 64;

/** A list of names, each once regardless of case; linear for few, a set for many. */
export class NameList {
  readonly names: string[] = [];
  private folded: Map<string, number> | undefined = undefined;

  /** Index of `name`, which is added when new. */
  add(name: string): number {
    const found = this.indexOf(name);
    if (found >= 0) return found;
    this.names.push(name);
    if (this.names.length > 16) {
      if (this.folded === undefined) {
        this.folded = new Map();
        for (let i = 0; i < this.names.length; i++) this.folded.set((this.names[i] as string).toLowerCase(), i);
      } else this.folded.set(name.toLowerCase(), this.names.length - 1);
    }
    return this.names.length - 1;
  }

  private indexOf(name: string): number {
    if (this.folded !== undefined) return this.folded.get(name.toLowerCase()) ?? -1;
    for (let i = 0; i < this.names.length; i++) if (sameName(this.names[i] as string, name)) return i;
    return -1;
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

interface Alias {
  readonly name: string;
  readonly object: number;
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
  readonly targets: number;
  readonly aliases: number;
}

export class Facts {
  operation: string | undefined = undefined;
  readonly operations: string[] = [];
  readonly columns: NameList = new NameList();
  readonly functions: NameList = new NameList();
  procedure: string | undefined = undefined;
  executes: string | undefined = undefined;
  effect: SqlEffect | undefined = undefined;
  readonly code: EmbeddedCode[] = [];
  /** Token indices of secret literals, rising. */
  readonly secrets: number[] = [];
  /** The result depends on the content of a literal: two statements of one shape may differ. */
  readsLiterals = false;
  /** Explained, not run: nothing is written, inner verbs are no operations. */
  isDry = false;

  private readonly objectNames = new NameList();
  private readonly uses: number[] = [];
  private readonly written: boolean[] = [];
  private readonly targets: Target[] = [];
  private readonly aliases: Alias[] = [];

  /** Adds an operation, each once; the first outer one is the statement's and goes first. */
  addOperation(name: string, isOuter: boolean): void {
    if (this.isDry) return;
    if (this.operations.length === 0) {
      if (isOuter) this.operation ??= name;
      this.operations.push(name);
      return;
    }
    const at = this.operations.indexOf(name);
    if (isOuter && this.operation === undefined) {
      this.operation = name;
      if (at >= 0) this.operations.splice(at, 1);
      this.operations.unshift(name);
    } else if (at < 0) this.operations.push(name);
  }

  addObject(name: string, isWritten: boolean): number {
    const index = this.objectNames.add(name);
    this.uses[index] = (this.uses[index] ?? 0) + 1;
    this.written[index] = (this.written[index] ?? false) || isWritten;
    return index;
  }

  /** Marks the object with that index, if there is one. */
  markWritten(object: number): void {
    if (object >= 0) this.written[object] = true;
  }

  scope(): ScopeMark {
    return { targets: this.targets.length, aliases: this.aliases.length };
  }

  addAlias(name: string, object: number, mark: ScopeMark): void {
    if (this.aliases.length - mark.aliases < SCOPE_MAX) this.aliases.push({ name, object });
  }

  addCode(tokens: readonly number[], isRun: boolean, isBlock: boolean): void {
    if (tokens.length === 0 || this.code.length >= CODE_MAX) return;
    this.code.push({ tokens, isRun, isBlock });
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
    let object = -1;
    for (let i = mark.aliases; i < this.aliases.length && object < 0; i++) {
      const alias = this.aliases[i] as Alias;
      if (sameName(alias.name, qualifier)) object = alias.object;
    }
    for (let i = mark.targets; i < this.targets.length; i++) {
      const target = this.targets[i] as Target;
      if (target.object === object || sameName(target.name, qualifier)) target.isAssigned = true;
    }
  }

  /** Ends a query level: its targets are what changes, with `resolves` aliases replaced by what they stand for. */
  close(mark: ScopeMark, resolves: boolean): void {
    if (this.targets.length === mark.targets) {
      // Setting the length would cost more than all else here.
      while (this.aliases.length > mark.aliases) this.aliases.pop();
      return;
    }
    const targets = this.targets.splice(mark.targets);
    const aliases = this.aliases.splice(mark.aliases);
    const anyAssigned = targets.some((target) => target.isAssigned);
    for (const target of targets) {
      const alias =
        resolves && target.mayBeAlias
          ? aliases.find((a) => sameName(a.name, target.name) && a.object !== target.object)
          : undefined;
      if (alias !== undefined) this.uses[target.object] = (this.uses[target.object] as number) - 1;
      if (target.isAssigned || !anyAssigned) this.written[alias?.object ?? target.object] = true;
    }
  }

  objects(): readonly string[] {
    const { names } = this.objectNames;
    if (names.length === 1 && (this.uses[0] as number) > 0) return names;
    return names.filter((_, i) => (this.uses[i] as number) > 0);
  }

  objectsWritten(): readonly string[] {
    if (this.isDry || !this.written.includes(true)) return NO_NAMES;
    return this.objectNames.names.filter((_, i) => (this.uses[i] as number) > 0 && this.written[i] === true);
  }
}
