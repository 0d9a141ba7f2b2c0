/** The clock that timers and waits share; an object, so that hot calls need not pass a floating-point number. */
export class Clock {
  /** Packet time, except that it never goes back; microseconds. */
  nowUs = 0;
  /** How far the clock is ahead of packet time, since packet time fell back. */
  aheadUs = 0;
}
