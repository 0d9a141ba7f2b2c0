/** What the session of every protocol is: who speaks, and how what they do becomes events. */
import {
  type AuditEvent,
  type Identity,
  LogoutEvent,
  MARK_GAP,
  MARK_MIDSTREAM,
  OpaqueEvent,
  StatementEvent,
  type TlsFacts,
} from '../../contracts/event.ts';
import { type ConnectionInfo, END_FIN, END_UNSEEN, type EndReason, type EventSink } from '../../contracts/protocol.ts';

/** Nothing is known of the speaker but the system spoken to (a `db.system.name`). */
export function nobody(system: string): Identity {
  return {
    system,
    user: undefined,
    effectiveUser: undefined,
    osUser: undefined,
    clientHost: undefined,
    program: undefined,
    endUser: undefined,
    database: undefined,
  };
}

/** Databases and systems have far shorter names; a session keeps its own for as long as it lives. */
const NAME_UNITS_MAX = 1024;

/** The identity with names that are not longer than `NAME_UNITS_MAX`; the same one when none is. */
export function bounded(identity: Identity): Identity {
  const { user, effectiveUser, osUser, clientHost, program, endUser, database } = identity;
  const isShort = [user, effectiveUser, osUser, clientHost, program, endUser, database].every(
    (name) => name === undefined || name.length <= NAME_UNITS_MAX,
  );
  if (isShort) return identity;
  return {
    system: identity.system,
    user: cut(user),
    effectiveUser: cut(effectiveUser),
    osUser: cut(osUser),
    clientHost: cut(clientHost),
    program: cut(program),
    endUser: cut(endUser),
    database: cut(database),
  };
}

/** A copy: a part of a string would keep the whole. */
function cut(name: string | undefined): string | undefined {
  if (name === undefined || name.length <= NAME_UNITS_MAX) return name;
  return Buffer.from(name.slice(0, NAME_UNITS_MAX), 'utf16le').toString('utf16le');
}

export class ClientSession {
  readonly connection: ConnectionInfo;
  identity: Identity;
  /** No login was seen: events are marked as picked up midstream. */
  userUnknown: boolean;
  loggedIn = false;
  /** Lost bytes that no event carries yet. */
  lostBytes = 0;
  /** Key under which a cancel request on another connection finds this session (`cancel.ts`). */
  cancelKey: string | undefined = undefined;
  /** Who speaks here, as those were told who read other connections. */
  private announced: Identity | undefined = undefined;
  /** The statement that such a request was aimed at. */
  cancelled: StatementEvent | undefined = undefined;
  /** Requests may have been lost since the last statement began, and how many bytes of them. */
  requestsLost = false;
  lostRequestBytes = 0;
  /** A statement was recorded. */
  protected hasStatements = false;
  private loggedOut = false;

  constructor(connection: ConnectionInfo, system: string) {
    this.connection = connection;
    this.identity = nobody(system);
    this.userUnknown = connection.midstream;
  }

  /** Tells those who read other connections who speaks here, if they were not told yet. `isNew`: the key is. */
  announce(sink: EventSink, isNew: boolean): void {
    if (this.cancelKey === undefined || (this.announced === this.identity && !isNew)) return;
    this.announced = this.identity;
    sink.announce?.(this.cancelKey, this.identity, isNew);
  }

  /** Takes over what became known of who speaks. */
  identify(change: Partial<Identity>): void {
    this.identity = bounded({ ...this.identity, ...change });
  }

  /** Requests are missing before the next statement. */
  loseRequests(lostBytes: number): void {
    this.requestsLost = true;
    this.lostRequestBytes += lostBytes;
  }

  /** A statement that begins now. It carries the marks of the requests that were lost just before. */
  statement(startUs: number, call: string, operation?: string): StatementEvent {
    const event = new StatementEvent(this.identity, startUs, call);
    event.operation = operation;
    this.carryLoss(event);
    return event;
  }

  /** As `statement`, of an event that is as a new one (`spare.ts`). */
  restate(event: StatementEvent, startUs: number): void {
    event.identity = this.identity;
    event.startUs = startUs;
    this.carryLoss(event);
  }

  private carryLoss(event: StatementEvent): void {
    if (!this.requestsLost) return;
    event.marks |= MARK_GAP;
    event.lostBytes = this.lostRequestBytes;
    this.requestsLost = false;
    this.lostRequestBytes = 0;
  }

  /** Bytes lost before go to the first statement that is marked with a gap. */
  emit(event: AuditEvent, sink: EventSink): void {
    if (this.userUnknown) event.marks |= MARK_MIDSTREAM;
    if (event.kind === 'statement') {
      this.hasStatements = true;
      if (this.cancelled === event) this.cancelled = undefined;
      if (this.cancelKey !== undefined) this.announce(sink, false);
      if (this.lostBytes > 0 && (event.marks & MARK_GAP) !== 0) {
        event.lostBytes += this.lostBytes;
        this.lostBytes = 0;
      }
    }
    sink.emit(event);
  }

  /** Nothing more can be read. `reason`: as in `OpaqueEvent`; `tls`: what its handshake said. */
  emitOpaque(reason: string, startUs: number, tls: TlsFacts | undefined, sink: EventSink): void {
    const event = new OpaqueEvent(this.identity, startUs, reason);
    event.tls = tls;
    if (this.connection.midstream && this.userUnknown) event.marks |= MARK_MIDSTREAM;
    sink.emit(event);
  }

  /** The session is over, once; of one that neither logged in nor did anything there is nothing to say. */
  logout(reason: string, tsUs: number, sink: EventSink): void {
    if (this.loggedOut || (!this.loggedIn && !this.hasStatements)) return;
    this.loggedOut = true;
    this.emit(new LogoutEvent(this.identity, tsUs, reason), sink);
  }

  /** The connection is over. Where its end was not seen the session may go on. */
  logoutAtEnd(reason: EndReason, tsUs: number, sink: EventSink): void {
    if (reason !== END_UNSEEN) this.logout(reason === END_FIN ? 'fin' : 'rst', tsUs, sink);
  }
}
