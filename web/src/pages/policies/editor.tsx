/**
 * CodeMirror for policy files. It stands in a shadow root: its style sheets are adopted there as objects, so the strict
 * content security policy needs no exception.
 */
import { autocompletion, closeBrackets } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  HighlightStyle,
  indentOnInput,
  syntaxHighlighting,
} from '@codemirror/language';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { PolicyValidated } from '#src/console/api/policies.js';

type Problem = PolicyValidated['problems'][number];

const COLOURS = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--link)' },
  { tag: tags.string, color: 'var(--sql-string)' },
  { tag: [tags.number, tags.bool], color: 'var(--sql-number)' },
  { tag: tags.comment, color: 'var(--sql-comment)', fontStyle: 'italic' },
  { tag: tags.keyword, color: 'var(--sql-keyword)' },
]);

const LOOK = EditorView.theme({
  '&': {
    height: '460px',
    border: '1px solid var(--line)',
    borderRadius: '8px',
    background: 'var(--page)',
    color: 'var(--text)',
  },
  '&.cm-focused': { outline: '2px solid var(--accent)' },
  '.cm-scroller': { font: '13px/20px var(--mono)' },
  '.cm-content': { caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': {
    background: 'var(--raised)',
    color: 'var(--muted)',
    border: 'none',
    borderRight: '1px solid var(--line)',
  },
  '.cm-activeLine, .cm-activeLineGutter': { background: 'color-mix(in srgb, var(--accent) 7%, transparent)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { background: 'var(--accent-soft) !important' },
  '.cm-panels, .cm-tooltip': { background: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--line)' },
});

export function Editor(props: {
  readonly name: string;
  readonly text: string;
  readonly problems: readonly Problem[];
  readonly readOnly: boolean;
  readonly onText: (text: string) => void;
}): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | undefined>(undefined);
  const onText = useRef(props.onText);
  onText.current = props.onText;
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' });
    const changes = EditorView.updateListener.of((update) => {
      if (update.docChanged) onText.current(update.state.doc.toString());
    });
    view.current = new EditorView({
      parent: root,
      root,
      state: EditorState.create({ doc: props.text, extensions: [...extensions(props.name, props.readOnly), changes] }),
    });
    return () => {
      view.current?.destroy();
      view.current = undefined;
    };
  }, []);
  useEffect(() => {
    const editor = view.current;
    if (editor === undefined) return;
    editor.dispatch(setDiagnostics(editor.state, diagnosticsOf(editor.state, props.problems)));
  }, [props.problems.map((problem) => `${problem.line} ${problem.column} ${problem.reason}`).join()]);
  return <div ref={host} class="editor" />;
}

function extensions(name: string, readOnly: boolean): Extension[] {
  return [
    lineNumbers(),
    foldGutter(),
    history(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    autocompletion(),
    search({ top: true }),
    highlightActiveLine(),
    highlightSelectionMatches(),
    lintGutter(),
    yaml(),
    syntaxHighlighting(COLOURS),
    LOOK,
    EditorState.readOnly.of(readOnly),
    EditorView.contentAttributes.of({ 'aria-label': `Policy file ${name}`, tabindex: '0' }),
    // Escape, then Tab, leaves the editor by keyboard.
    keymap.of([...defaultKeymap, ...historyKeymap, ...foldKeymap, ...searchKeymap, indentWithTab]),
  ];
}

function diagnosticsOf(state: EditorState, problems: readonly Problem[]): Diagnostic[] {
  return problems
    .map((problem): Diagnostic => {
      const line = state.doc.line(Math.min(Math.max(1, problem.line), state.doc.lines));
      const from = Math.min(line.to, line.from + Math.max(0, problem.column - 1));
      return { from, to: Math.max(from, line.to), severity: 'error', message: problem.reason };
    })
    .sort((a, b) => a.from - b.from);
}
