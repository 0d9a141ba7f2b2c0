/**
 * Cancel requests that come on a connection of their own and name the one they mean by a key that its server gave out.
 * Sessions of one pipeline find each other in `ConnectionInfo.shared`. A key is only compared, never put into an event.
 */
import type { ConnectionInfo } from '../../contracts/protocol.ts';
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
  register(session: S, key: string): void {
    this.forget(session);
    const keys = this.keysOf(session.connection);
    for (const oldest of keys.keys()) {
      if (keys.size < this.sizeMax) break;
      keys.delete(oldest);
    }
    session.cancelKey = scoped(session.connection, key);
    keys.set(session.cancelKey, session);
  }

  forget(session: S): void {
    if (session.cancelKey === undefined) return;
    const keys = this.keysOf(session.connection);
    if (keys.get(session.cancelKey) === session) keys.delete(session.cancelKey);
    session.cancelKey = undefined;
  }

  /** Whom a request on `connection` means. */
  find(connection: ConnectionInfo, key: string): S | undefined {
    return this.keysOf(connection).get(scoped(connection, key));
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

function scoped({ serverAddress, serverPort }: ConnectionInfo, key: string): string {
  return `${serverAddress}|${serverPort}|${key}`;
}
