/** What a driver shows its module a frame through. Drivers that never run inside each other may share one. */
import { Cursor } from '../../base/cursor.ts';
import { Frame } from '../../contracts/protocol.ts';
import { RequestShelf } from './shelf.ts';

export class FrameWindow {
  readonly frame: Frame = new Frame();
  readonly cursor: Cursor = new Cursor();
  private made: RequestShelf | undefined = undefined;

  /** Made for the first request that waits: it takes memory, and the drivers inside a connection have none that do. */
  get shelf(): RequestShelf {
    this.made ??= new RequestShelf();
    return this.made;
  }
}
