/**
 * Cancel requests that come on a connection of their own and name the one they mean by a key that its server gave out.
 * Sessions of one pipeline find each other in `ConnectionInfo.shared`; those of others are told of them through the sink.
 * A key is only compared, never put into an event.
 */
import type { AuditEvent } from '../../contracts/event.ts';
import type { ConnectionInfo, EventSink } from '../../contracts/protocol.ts';
import type { ClientSession } from './session.ts';

export class CancelKeys<S extends ClientSession> {
  private readonly name: string;
  private readonly sizeMax: number;

  /** `name`: key in `ConnectionInfo.shared`. When `sizeMax` keys are known, the oldest is forgotten for a new one. */
  constructor(name: string, sizeMax: number) {
    this.name = name;
    this.sizeMax = sizeMax;
  }

  /** The server gave this session its key, which is only unique per server. An earlier one is void. */
  register(session: S, key: string, sink: EventSink): void {
    this.forget(session, sink);
    const keys = this.keysOf(session.connection);
    for (const oldest of keys.keys()) {
      if (keys.size < this.sizeMax) break;
      keys.delete(oldest);
    }
    session.cancelKey = scoped(session.connection, key);
    keys.set(session.cancelKey, session);
    session.announce(sink, true);
  }

  forget(session: S, sink: EventSink): void {
    if (session.cancelKey === undefined) return;
    const keys = this.keysOf(session.connection);
    if (keys.get(session.cancelKey) === session) {
      keys.delete(session.cancelKey);
      sink.announce?.(session.cancelKey, undefined, false);
    }
    session.cancelKey = undefined;
  }

  /** Whom a request on `connection` means. */
  find(connection: ConnectionInfo, key: string): S | undefined {
    return this.keysOf(connection).get(scoped(connection, key));
  }

  /** Emits the request by which `connection` means a session that was not found: another thread may read that one. */
  emitFor(connection: ConnectionInfo, key: string, event: AuditEvent, sink: EventSink): void {
    if (sink.emitFor === undefined) sink.emit(event);
    else sink.emitFor(scoped(connection, key), event);
  }

  private keysOf({ shared }: ConnectionInfo): Map<string, S> {
    let keys = shared.get(this.name) as Map<string, S> | undefined;
    if (keys === undefined) {
      keys = new Map();
      shared.set(this.name, keys);
    }
    return keys;
  }
}

/**
 * The request comes from the address of the session that it means. Only then may it change how that one's statements are
 * recorded: how connections are shared among threads of a replay must not be seen in its records.
 */
export function isNear(request: ClientSession, victim: ClientSession): boolean {
  return request.connection.clientAddress === victim.connection.clientAddress;
}

function scoped({ serverAddress, serverPort }: ConnectionInfo, key: string): string {
  return `${serverAddress}|${serverPort}|${key}`;
}
