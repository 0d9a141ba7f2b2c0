/** Texts that a session prepared in SQL under a name, so that EXECUTE is recorded with what it runs. Bounded. */
import type { HeldMemory } from '../base/memory-budget.ts';

/** Statements of one session, and UTF-16 units of their names and texts together; the oldest is forgotten first. */
const STATEMENTS_MAX = 1024;
const UNITS_MAX = 1024 * 1024;

export class PreparedTexts {
  private readonly texts = new Map<string, string>();
  private units = 0;
  private readonly memory: HeldMemory;

  constructor(memory: HeldMemory) {
    this.memory = memory;
  }

  /** Names are compared without regard to case. */
  get(name: string): string | undefined {
    return this.texts.get(name.toLowerCase());
  }

  /** `undefined` for a text that is not known: what had the name before has it no longer. */
  set(name: string, text: string | undefined): void {
    const key = name.toLowerCase();
    this.forget(key);
    if (text === undefined) return;
    this.texts.set(key, text);
    this.hold(key.length + text.length);
    for (const oldest of this.texts.keys()) {
      if (this.texts.size <= STATEMENTS_MAX && this.units <= UNITS_MAX) break;
      this.forget(oldest);
    }
  }

  delete(name: string): void {
    this.forget(name.toLowerCase());
  }

  private forget(key: string): void {
    const text = this.texts.get(key);
    if (text === undefined) return;
    this.texts.delete(key);
    this.hold(-key.length - text.length);
  }

  clear(): void {
    this.texts.clear();
    this.hold(-this.units);
  }

  private hold(units: number): void {
    this.units += units;
    this.memory.add(units);
  }
}
