/** The store as a reading thread has it open, and what it keeps of earlier answers. Tasks get at it by `Source` only. */

import type { MessagePort } from 'node:worker_threads';
import { setNewest } from '../../base/bounded-map.ts';
import { RecordExplainer } from '../../sensor/explainer.ts';
import { RuleTitles } from '../../sensor/policy-archive.ts';
import { StoreReader } from '../../store/reader.ts';
import type { Group } from '../../store/totals/aggregate.ts';
import { ALONE, type Place } from '../../store/totals/grouping.ts';
import { countOf, type PackedGroups, unpackGroups } from '../../store/totals/packed-groups.ts';
import { PeakFinder } from './greatest.ts';
import { Peer, type PeerAnswer, type PeerWork } from './peers.ts';

/** Answers kept by a thread, and groups in them, at most. */
const KEPT_ANSWERS_MAX = 500;
const KEPT_GROUPS_MAX = 200_000;
/** Whole answers kept: an overview has some 100 kB. */
const KEPT_WHOLE_MAX = 100;

export class OpenStore {
  readonly directory: string;
  readonly reader: StoreReader;
  readonly peaks: PeakFinder;
  readonly explainer: RecordExplainer;
  readonly titles: RuleTitles;
  private readonly answers = new Map<string, PackedGroups>();
  private kept = 0;
  private readonly whole = new Map<string, unknown>();

  /** `place`: of this thread among those that read the store. */
  constructor(directory: string, place: Place = ALONE) {
    this.directory = directory;
    this.reader = new StoreReader(directory);
    this.reader.grouping.place = place;
    this.reader.grouping.expectPages();
    this.peaks = new PeakFinder(this.reader);
    this.explainer = new RecordExplainer(directory);
    this.titles = new RuleTitles(directory);
  }

  /** The thread at a place reads the store as well: it helps with long questions unless it is busy, and is helped. */
  meet(thread: number, port: MessagePort, isBusy: () => boolean): void {
    const { grouping } = this.reader;
    const peer = new Peer(port, (work) => this.helpWith(work), isBusy);
    grouping.peers.set(thread, peer);
    this.peaks.peers.set(thread, peer);
    port.once('close', () => {
      // Unless another one has come in its place.
      if (grouping.peers.get(thread) === peer) grouping.peers.delete(thread);
      if (this.peaks.peers.get(thread) === peer) this.peaks.peers.delete(thread);
    });
  }

  private helpWith(work: PeerWork): PeerAnswer {
    const { reader, peaks } = this;
    reader.problems.length = 0;
    return reader.atOneMoment(() => {
      const done =
        work.kind === 'groups'
          ? { groups: reader.grouping.of(work.query, work.by, work.paths) }
          : { peaks: peaks.among(work.question, work.paths) };
      return { ...done, problems: [...reader.problems] };
    });
  }

  /** What `make` gives, or gave for the same key. What could not be read is asked again: it may be there then. */
  groups(key: string, make: () => PackedGroups): readonly Group[] {
    const known = this.answers.get(key);
    if (known !== undefined) return unpackGroups(known);
    const groups = make();
    if (this.reader.problems.length === 0) this.keepGroups(key, groups);
    return unpackGroups(groups);
  }

  private keepGroups(key: string, groups: PackedGroups): void {
    this.answers.set(key, groups);
    this.kept += countOf(groups);
    for (const [oldest, answer] of this.answers) {
      if (this.kept <= KEPT_GROUPS_MAX && this.answers.size <= KEPT_ANSWERS_MAX) return;
      this.answers.delete(oldest);
      this.kept -= countOf(answer);
    }
  }

  /** A whole answer that was kept. */
  recall<T>(key: string): T | undefined {
    return this.whole.get(key) as T | undefined;
  }

  /** Keeps a whole answer, unless it lacks what could not be read. */
  keep(key: string, answer: unknown): void {
    if (this.reader.problems.length > 0) return;
    setNewest(this.whole, key, answer, KEPT_WHOLE_MAX);
  }
}
