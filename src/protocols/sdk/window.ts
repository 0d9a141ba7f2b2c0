/** What a driver shows its module a frame through. Drivers that never run inside each other may share one. */
import { Cursor } from '../../base/cursor.ts';
import { Frame, type FrameOut } from '../../contracts/protocol.ts';
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

  /** The frame that `out` describes, of which `available` bytes are there, from `pos` on. */
  show(
    out: FrameOut,
    bytes: Uint8Array,
    pos: number,
    available: number,
    lostBytes: number,
    startUs: number,
    endUs: number,
  ): void {
    const { frame } = this;
    const { length, want } = out;
    const wanted = want === 0 ? length : Math.min(want, length);
    frame.type = out.type;
    frame.length = length;
    frame.available = available;
    frame.truncated = lostBytes > 0 || available < wanted;
    frame.lostBytes = lostBytes;
    frame.startUs = startUs;
    frame.endUs = endUs;
    this.cursor.reset(bytes, pos, pos + available);
  }
}
