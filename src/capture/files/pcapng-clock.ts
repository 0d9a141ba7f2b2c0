/**
 * Time stamps of a pcapng interface (draft-ietf-opsawg-pcapng §4.2, if_tsresol and if_tsoffset): 64-bit counts of a unit
 * that is a power of ten or of two, turned into seconds and nanoseconds without a big integer per packet.
 */

const NANOSECONDS = 1_000_000_000;
const POWER_OF_TWO = 0x80;
/** Up to here (the power of two above a nanosecond) every product below is an exact double. */
const UNITS_EXACT_MAX = 2 ** 30;
/** Largest high word for which the whole stamp is an exact double. */
const HIGH_EXACT_MAX = 2 ** 21;

export class PcapngClock {
  /** Microseconds: what an interface without the option uses. */
  static readonly RESOLUTION_DEFAULT = 6;

  /** Result of the last `read`: whole seconds since 1970, and nanoseconds within. */
  seconds = 0;
  nanoseconds = 0;
  /** Units of one second. */
  readonly #units: number;
  /** The same, for units too fine to be divided as doubles; `undefined` for all others. */
  readonly #unitsBig: bigint | undefined;
  readonly #offsetSeconds: number;

  constructor(resolution: number, offsetSeconds: number) {
    const exponent = BigInt(resolution & ~POWER_OF_TWO);
    const units = (resolution & POWER_OF_TWO) === 0 ? 10n ** exponent : 2n ** exponent;
    this.#units = Number(units);
    this.#unitsBig = this.#units > UNITS_EXACT_MAX ? units : undefined;
    this.#offsetSeconds = offsetSeconds;
  }

  /** Converts the stamp `high * 2^32 + low`. */
  read(high: number, low: number): void {
    if (this.#unitsBig !== undefined) {
      this.#readFine((BigInt(high) << 32n) | BigInt(low), this.#unitsBig);
      return;
    }
    const units = this.#units;
    let seconds: number;
    let rest: number;
    if (high < HIGH_EXACT_MAX) {
      const stamp = high * 2 ** 32 + low;
      seconds = Math.floor(stamp / units);
      rest = stamp - seconds * units;
    } else {
      // Long division, sixteen bits a digit, so that every intermediate value stays an exact double.
      seconds = Math.floor(high / units);
      rest = high - seconds * units;
      for (let shift = 16; shift >= 0; shift -= 16) {
        const dividend = rest * 2 ** 16 + ((low >>> shift) & 0xffff);
        const digit = Math.floor(dividend / units);
        seconds = seconds * 2 ** 16 + digit;
        rest = dividend - digit * units;
      }
    }
    this.seconds = seconds + this.#offsetSeconds;
    this.nanoseconds = Math.floor((rest * NANOSECONDS) / units);
  }

  /** Finer than a nanosecond: too rare for its cost to matter. */
  #readFine(stamp: bigint, units: bigint): void {
    this.seconds = Number(stamp / units) + this.#offsetSeconds;
    this.nanoseconds = Number(((stamp % units) * BigInt(NANOSECONDS)) / units);
  }
}
