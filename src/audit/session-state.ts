/**
 * What all records of a session say: its two ends, who speaks, and what SQL itself changed of that: SET ROLE, USE,
 * search_path, PREPARE … The protocol does not say these, so they are followed here, from statements that succeeded.
 * What the protocol does say later wins.
 */
import { communityId } from '../base/community-id.ts';
import type { HeldMemory } from '../base/memory-budget.ts';
import { sessionId } from '../base/session-id.ts';
import type { Identity } from '../contracts/event.ts';
import type { ConnectionInfo } from '../contracts/protocol.ts';
import type { AuditRecord } from '../contracts/record.ts';
import type { SqlEffect, SqlStatement } from '../contracts/sql.ts';
import { endUserOfProgram } from './end-user.ts';
import { PreparedTexts } from './prepared.ts';

/** Everything in one object: with thousands of sessions each statement finds its own out of the cache. */
export class SessionState {
  protected readonly id: string;
  private readonly community: string;
  private readonly clientAddress: string;
  private readonly clientPort: number;
  private readonly serverAddress: string;
  private readonly serverPort: number;
  private readonly vlanId: number | undefined;
  private readonly tunnel: string | undefined;
  private effectiveUser: string | undefined = undefined;
  private database: string | undefined = undefined;
  private schema: string | undefined = undefined;
  private program: string | undefined = undefined;
  /** Made when the first one is. */
  private prepared: PreparedTexts | undefined = undefined;
  private told: Identity | undefined = undefined;
  private readonly memory: HeldMemory;

  constructor(connection: ConnectionInfo) {
    const { clientAddress, clientPort, serverAddress, serverPort, vlanId, tunnel, memory } = connection;
    this.memory = memory;
    this.id = sessionId(connection);
    this.community = communityId(clientAddress, clientPort, serverAddress, serverPort);
    this.clientAddress = clientAddress;
    this.clientPort = clientPort;
    this.serverAddress = serverAddress;
    this.serverPort = serverPort;
    this.vlanId = vlanId >= 0 ? vlanId : undefined;
    this.tunnel = tunnel === '' ? undefined : tunnel;
  }

  /** Writes down who speaks, and from where to where. */
  describeSession(record: AuditRecord, identity: Identity): void {
    record.user = identity.user;
    record.effectiveUser = this.effectiveUserOf(identity);
    record.osUser = identity.osUser;
    record.clientHost = identity.clientHost;
    record.program = this.program ?? identity.program;
    record.endUser = identity.endUser ?? endUserOfProgram(record.program);
    record.clientAddress = this.clientAddress;
    record.clientPort = this.clientPort;
    record.serverAddress = this.serverAddress;
    record.serverPort = this.serverPort;
    record.session = this.id;
    record.communityId = this.community;
    record.vlanId = this.vlanId;
    record.tunnel = this.tunnel;
    record.namespace = this.namespaceOf(identity);
    record.system = identity.system;
  }

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

  private effectiveUserOf(identity: Identity): string | undefined {
    const user = this.effectiveUser ?? identity.effectiveUser;
    return user === identity.user ? undefined : user;
  }

  /** `db`, or `db|schema` once a schema was chosen. */
  private namespaceOf(identity: Identity): string | undefined {
    const database = this.database ?? identity.database;
    if (this.schema === undefined) return database;
    return database === undefined ? this.schema : `${database}|${this.schema}`;
  }

  /** Text that `EXECUTE name` runs, when its PREPARE was seen. */
  preparedText(statement: SqlStatement): string | undefined {
    return statement.executes === undefined ? undefined : this.prepared?.get(statement.executes);
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
        this.prepared ??= new PreparedTexts(this.memory);
        this.prepared.set(effect.name, effect.text);
        break;
      case 'deallocate':
        if (effect.name === undefined) this.relieve();
        else this.prepared?.delete(effect.name);
        break;
      case 'discard-all':
        this.reset();
        break;
    }
  }

  private reset(): void {
    this.effectiveUser = this.database = this.schema = this.program = undefined;
    this.relieve();
  }

  /** Forgets what was prepared. */
  relieve(): void {
    this.prepared?.clear();
    this.prepared = undefined;
  }
}
