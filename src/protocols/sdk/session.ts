/** What the session of every protocol is: who speaks, and how what they do becomes events. */
import {
  type AuditEvent,
  type Identity,
  LogoutEvent,
  MARK_GAP,
  MARK_MIDSTREAM,
  OpaqueEvent,
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

export class ClientSession {
  readonly connection: ConnectionInfo;
  identity: Identity;
  /** No login was seen: events are marked as picked up midstream. */
  userUnknown: boolean;
  loggedIn = false;
  /** Lost bytes that no event carries yet. */
  lostBytes = 0;
  private hasStatements = false;
  private loggedOut = false;

  constructor(connection: ConnectionInfo, system: string) {
    this.connection = connection;
    this.identity = nobody(system);
    this.userUnknown = connection.midstream;
  }

  /** Takes over what became known of who speaks. */
  identify(change: Partial<Identity>): void {
    this.identity = { ...this.identity, ...change };
  }

  /** Bytes lost before go to the first statement that is marked with a gap. */
  emit(event: AuditEvent, sink: EventSink): void {
    if (this.userUnknown) event.marks |= MARK_MIDSTREAM;
    if (event.kind === 'statement') {
      this.hasStatements = true;
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
    if (this.connection.midstream) event.marks |= MARK_MIDSTREAM;
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
