/** Which bind value a placeholder stands for: by number, by order, or by name, where that is sure. */
import type { SqlDialect } from '../contracts/sql.ts';

interface Place {
  readonly written: string;
  /** Where it stands in the whole text. */
  readonly at: number;
  isFound: boolean;
}

export class BindPlaces {
  private readonly places: Place[] = [];
  private isUnsure = false;

  /** Placeholders come in the order of the text. */
  add(written: string, at: number): void {
    this.places.push({ written, at, isFound: false });
  }

  /** The placeholder at `at` stands for a wanted column. */
  found(at: number): void {
    let low = 0;
    let high = this.places.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.places[middle] as Place).at < at) low = middle + 1;
      else high = middle;
    }
    const place = this.places[low];
    if (place?.at === at) place.isFound = true;
  }

  /** Any bind value may stand for a wanted column. */
  giveUp(): void {
    this.isUnsure = true;
  }

  /** One was found that no variable of the text stands for. */
  get anyUnnamedFound(): boolean {
    return this.isUnsure || this.places.some(({ isFound, written }) => isFound && !written.startsWith('@'));
  }

  /** Indices of `count` bind values, rising; `undefined` when it is not sure which they are. */
  indices(count: number, dialect: SqlDialect): readonly number[] | undefined {
    if (this.isUnsure) return undefined;
    // Variables of a MySQL session are no placeholders.
    const places = dialect === 'mysql' ? this.places.filter(({ written }) => written === '?') : this.places;
    const found = places.filter(({ isFound }) => isFound);
    if (found.length === 0 || count === 0) return [];
    if (places.every(({ written }) => /^\$\d+$/.test(written))) {
      return rising(found.map(({ written }) => Number(written.slice(1)) - 1).filter((index) => index < count));
    }
    // T-SQL sends its parameters by the order of a list that the text does not hold.
    if (dialect === 'tsql' && places.some(({ written }) => written !== '?')) return undefined;
    if (places.length === count) return places.flatMap(({ isFound }, i) => (isFound ? [i] : []));
    // A block takes a name once, however often it stands there.
    const names = new Map<string, number>();
    for (const { written } of places) {
      const name = written.toLowerCase();
      if (!names.has(name)) names.set(name, names.size);
    }
    if (names.size !== count || names.has('?')) return undefined;
    return rising(found.map(({ written }) => names.get(written.toLowerCase()) ?? 0));
  }
}

function rising(indices: readonly number[]): readonly number[] {
  return [...new Set(indices)].sort((a, b) => a - b);
}
