/**
 * What SQL itself changed of a session: SET ROLE, USE, search_path, PREPARE … The protocol does not say these, so they
 * are followed here, from statements that succeeded. What the protocol does say later wins.
 */
import type { Identity } from '../contracts/event.ts';
import type { SqlEffect, SqlStatement } from '../contracts/sql.ts';

/** Statements prepared in SQL that are remembered per session; the oldest is forgotten first. */
const PREPARED_MAX = 1024;

export class SessionState {
  private effectiveUser: string | undefined = undefined;
  private database: string | undefined = undefined;
  private schema: string | undefined = undefined;
  private program: string | undefined = undefined;
  /** Text prepared under a name, case-folded. */
  private readonly prepared = new Map<string, string>();
  private told: Identity | undefined = undefined;

  /** Takes note of what the protocol says now; where it changed, it overrules what SQL had set. */
  hear(identity: Identity): void {
    const before = this.told;
    if (before === identity) return;
    this.told = identity;
    if (before === undefined) return;
    if (before.user !== identity.user) this.reset();
    if (before.database !== identity.database) this.database = this.schema = undefined;
    if (before.effectiveUser !== identity.effectiveUser) this.effectiveUser = undefined;
    if (before.program !== identity.program) this.program = undefined;
  }

  effectiveUserOf(identity: Identity): string | undefined {
    const user = this.effectiveUser ?? identity.effectiveUser;
    return user === identity.user ? undefined : user;
  }

  programOf(identity: Identity): string | undefined {
    return this.program ?? identity.program;
  }

  /** `db`, or `db|schema` once a schema was chosen. */
  namespaceOf(identity: Identity): string | undefined {
    const database = this.database ?? identity.database;
    if (this.schema === undefined) return database;
    return database === undefined ? this.schema : `${database}|${this.schema}`;
  }

  /** Text that `EXECUTE name` runs, when its PREPARE was seen. */
  preparedText(statement: SqlStatement): string | undefined {
    return statement.executes === undefined ? undefined : this.prepared.get(statement.executes.toLowerCase());
  }

  apply(effect: SqlEffect): void {
    switch (effect.kind) {
      case 'effective-user':
        this.effectiveUser = effect.user;
        break;
      case 'database':
        this.database = effect.database;
        this.schema = undefined;
        break;
      case 'schema':
        this.schema = effect.schema;
        break;
      case 'program':
        this.program = effect.program;
        break;
      case 'prepare':
        this.remember(effect.name.toLowerCase(), effect.text);
        break;
      case 'deallocate':
        if (effect.name === undefined) this.prepared.clear();
        else this.prepared.delete(effect.name.toLowerCase());
        break;
      case 'discard-all':
        this.reset();
        break;
    }
  }

  private remember(name: string, text: string | undefined): void {
    this.prepared.delete(name);
    if (text === undefined) return;
    if (this.prepared.size >= PREPARED_MAX) {
      const oldest = this.prepared.keys().next();
      if (!oldest.done) this.prepared.delete(oldest.value);
    }
    this.prepared.set(name, text);
  }

  private reset(): void {
    this.effectiveUser = this.database = this.schema = this.program = undefined;
    this.prepared.clear();
  }
}
