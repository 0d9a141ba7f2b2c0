/** The common table expressions that can be named at a place of a query. */
import { sameName } from './facts.ts';

/** Names remembered; further ones are taken for tables. */
const CTES_MAX = 64;

export interface Cte {
  readonly name: string;
  /** The first table of its query, -1 when there is none or it is not known yet. */
  readonly object: number;
}

export class Ctes {
  private readonly list: Cte[] = [];

  get count(): number {
    return this.list.length;
  }

  /** Adds a name, or says what a known one stands for. */
  add(name: string, object: number): void {
    const at = this.list.findIndex((cte) => sameName(cte.name, name));
    if (at >= 0) this.list[at] = { name, object };
    else if (name !== '' && this.list.length < CTES_MAX) this.list.push({ name, object });
  }

  find(name: string): Cte | undefined {
    for (const cte of this.list) if (sameName(cte.name, name)) return cte;
    return undefined;
  }

  /** A query has ended: names from `count` on were its own. */
  forget(count: number): void {
    while (this.list.length > count) this.list.pop();
  }
}
