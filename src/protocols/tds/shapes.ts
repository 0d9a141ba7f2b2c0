/** What a reply has described so far: the shapes of its rows, and what they take in memory from one packet to the next. */
import type { HeldMemory } from '../../base/memory-budget.ts';
import type { RowShape } from './shape.ts';

/** Alternative shapes (of COMPUTE clauses) remembered at a time. */
const ALT_SHAPES_MAX = 256;

export class Shapes {
  /** Of the rows that come now. */
  rows: RowShape | undefined = undefined;
  /** Of the parameters that come now (TDS 5.0). */
  parameters: RowShape | undefined = undefined;
  private readonly alternatives = new Map<number, RowShape>();
  private alternativesWeight = 0;
  /** What all weighed when that was counted last. */
  private counted = 0;
  private readonly memory: HeldMemory;

  constructor(memory: HeldMemory) {
    this.memory = memory;
  }

  get isEmpty(): boolean {
    return this.rows === undefined && this.parameters === undefined && this.alternatives.size === 0;
  }

  alternative(id: number): RowShape | undefined {
    return this.alternatives.get(id);
  }

  /** False when there are too many. */
  addAlternative(id: number, shape: RowShape): boolean {
    if (this.alternatives.size >= ALT_SHAPES_MAX) return false;
    this.alternativesWeight += shape.weight - (this.alternatives.get(id)?.weight ?? 0);
    this.alternatives.set(id, shape);
    return true;
  }

  clear(): void {
    this.rows = undefined;
    this.parameters = undefined;
    this.alternatives.clear();
    this.alternativesWeight = 0;
    this.count();
  }

  /** Says what is held: when a packet ends, not with each column. */
  count(): void {
    const weight = (this.rows?.weight ?? 0) + (this.parameters?.weight ?? 0) + this.alternativesWeight;
    if (weight !== this.counted) this.memory.add(weight - this.counted);
    this.counted = weight;
  }
}
