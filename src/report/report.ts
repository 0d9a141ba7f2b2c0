/** Reports for pipelines, in the forms that their viewers read. */
import { formatTime } from '../base/time.ts';
import type { Report } from './findings.ts';
import { junitReport } from './junit.ts';
import { sarifReport } from './sarif.ts';

export const REPORT_FORMATS = ['junit', 'sarif', 'json'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** `version` is the program's. */
export function formatReport(format: ReportFormat, report: Report, version: string): string {
  switch (format) {
    case 'junit':
      return junitReport(report);
    case 'sarif':
      return sarifReport(report, version);
    case 'json': {
      const findings = report.findings.map(({ timeUs, ...finding }) => ({ time: formatTime(timeUs), ...finding }));
      return `${JSON.stringify({ version, ...report, findings }, undefined, 1)}\n`;
    }
  }
}
