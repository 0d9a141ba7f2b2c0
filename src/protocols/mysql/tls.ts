/** Stand-in for the shared TLS reader until it is on main: knows only that a record of the server was seen. */
import type { TlsFacts } from '../../contracts/event.ts';
import { type Direction, TO_CLIENT } from '../../contracts/protocol.ts';

export class TlsObserver {
  readonly facts: TlsFacts = {};
  done = false;

  feed(direction: Direction, _bytes: Uint8Array, start: number, end: number): void {
    if (direction === TO_CLIENT && end > start) this.done = true;
  }
}
