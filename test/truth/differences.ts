/**
 * Where Wiretrail and the truth files disagree, and why Wiretrail is right. Each entry was settled by reading the bytes.
 */
export interface Difference {
  readonly reason: string;
  readonly statements?: readonly string[];
  readonly users?: readonly string[];
}

export const DIFFERENCES: Readonly<Record<string, Difference>> = {};
