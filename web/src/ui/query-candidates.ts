/**
 * The list below the query field: asked for as one types, gone through and taken by keys that never move the focus, and not
 * taken before it has caught up with the text.
 */
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { AskedOf } from '#src/console/api/history.js';
import type { Completion } from '#src/console/api/records.js';
import { ask, type Params } from '../base/api.ts';
import { forgetQuery } from '../base/history.ts';
import { scopeParams } from '../base/scope.ts';

export type Candidate = Completion['candidates'][number];

/** What is asked in the field. */
export interface QueryLanguage {
  readonly of: AskedOf;
  /** Route that completes it. */
  readonly complete: string;
  readonly example: string;
  /** What its values are looked for in. */
  readonly scope: () => Params;
}

export const RECORDS: QueryLanguage = {
  of: 'records',
  complete: '/complete',
  example: 'user:alice op:DELETE rows>1000 "drop table"',
  scope: scopeParams,
};

/** Typing faster than this asks once. */
const PAUSE_MS = 70;

export interface CandidateState {
  readonly open: boolean;
  readonly candidates: readonly Candidate[];
  readonly chosen: number;
  readonly looking: boolean;
  look(): void;
  close(): void;
  take(index: number): boolean;
  /** Whether the list used the key. */
  key(event: KeyboardEvent): boolean;
}

/** A list, and the text that it completes. */
type Found = Completion & { readonly text: string };

export function useCandidates(
  input: RefObject<HTMLInputElement | null>,
  text: string,
  setText: (text: string) => void,
  language: QueryLanguage,
): CandidateState {
  const [found, setFound] = useState<Found | undefined>(undefined);
  const [open, setOpen] = useState(false);
  const [looking, setLooking] = useState(false);
  const [chosen, setChosen] = useState(0);
  const [turn, setTurn] = useState(0);
  /** Tab was pressed before the list had caught up with the text. */
  const isAwaited = useRef(false);
  useCompletion(input, text, turn, language, setLooking, (next) => {
    setFound(next);
    setChosen(0);
    if (isAwaited.current) put(next, 0);
  });
  const candidates = found?.candidates ?? [];
  const look = (): void => {
    isAwaited.current = false;
    setOpen(true);
    setTurn((before) => before + 1);
  };
  const put = (list: Found, index: number): void => {
    const candidate = list.candidates[index];
    if (candidate === undefined) return;
    const { before, taken } = putIn(text, list, candidate);
    const field = input.current;
    if (field !== null) {
      // At once: a caret that is set later would move under the next keys.
      field.value = taken;
      field.setSelectionRange(before.length, before.length);
    }
    setText(taken);
    look();
  };
  /** Not a list of an earlier text, whose places are others: whether it was taken. */
  const take = (index: number): boolean => {
    if (found === undefined || found.text !== (input.current?.value ?? text)) return false;
    put(found, index);
    return true;
  };
  const close = (): void => {
    isAwaited.current = false;
    setOpen(false);
  };
  const key = (event: KeyboardEvent): boolean => {
    const listed = open && candidates.length > 0;
    const candidate = candidates[chosen];
    const own = candidate?.kind === 'history' ? candidate.insert : undefined;
    if (event.key === 'Escape' && open) close();
    else if (event.key === 'Tab' && listed && !event.shiftKey) isAwaited.current = !take(chosen);
    else if (event.key === 'Delete' && event.shiftKey && listed && own !== undefined)
      forgetQuery(language.of, own).then(look, () => undefined);
    else if (event.key === 'ArrowDown' && !open) look();
    else if (event.key === 'ArrowDown' && listed) setChosen((chosen + 1) % candidates.length);
    else if (event.key === 'ArrowUp' && listed) setChosen((chosen + candidates.length - 1) % candidates.length);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  return {
    open: open && (candidates.length > 0 || looking),
    candidates,
    chosen,
    looking,
    look,
    close,
    take,
    key,
  };
}

/** What stands before the caret, and in all, when a candidate was taken. */
function putIn(text: string, { from, to }: Completion, { insert, kind }: Candidate): { before: string; taken: string } {
  if (kind === 'history') return { before: insert, taken: insert };
  const before = text.slice(0, from) + insert;
  return { before, taken: before + text.slice(to) };
}

/** Asks for the list of what is written now, at each turn, once typing pauses. */
function useCompletion(
  input: RefObject<HTMLInputElement | null>,
  text: string,
  turn: number,
  language: QueryLanguage,
  onLooking: (looking: boolean) => void,
  onFound: (found: Found) => void,
): void {
  useEffect(() => {
    if (turn === 0 || document.activeElement !== input.current) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      const pos = input.current?.selectionStart ?? text.length;
      onLooking(true);
      ask<Completion>(language.complete, { text, pos, ...language.scope() }, abort.signal).then(
        (completion) => {
          onLooking(false);
          onFound({ ...completion, text });
        },
        () => onLooking(false),
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text, turn]);
}
