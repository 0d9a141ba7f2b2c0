/** One report, from the question to its files. */
import type { Source } from '../reads/source.ts';
import { collect } from './collect.ts';
import { reportHtml } from './html.ts';
import type { ReportFiles, ReportRequest } from './model.ts';
import { reportPdf } from './pdf.ts';

export function* report(source: Source, request: ReportRequest): Generator<ReportFiles> {
  const { model, records } = collect(source, request);
  yield { records, html: reportHtml(model), pdf: reportPdf(model) };
}
