/**
 * A report as PDF, tagged for readers: headings, paragraphs, tables with header cells. The same model gives the same
 * bytes: dates are the report's, and nothing is drawn from the clock. Set in DejaVu where it is installed, so that names
 * in most scripts print; else in Helvetica, where what it lacks is shown as a question mark.
 */
import { existsSync } from 'node:fs';
import PDFDocument from 'pdfkit';
import { visible } from '../api/visible.ts';
import { contentHash, type ReportModel, type ReportTable } from './model.ts';

type Pdf = PDFKit.PDFDocument;
type Structure = PDFKit.PDFStructureElement;

const FONTS = '/usr/share/fonts/truetype/dejavu';
const REGULAR: string = `${FONTS}/DejaVuSans.ttf`;
const BOLD: string = `${FONTS}/DejaVuSans-Bold.ttf`;
const MARGIN = 40;
const FOOTER = 30;
const INK = '#1b1f24';
const MUTED = '#56606b';
const LINE = '#c8ced6';
const CELL_SIZE = 7.5;
const CELL_GAP = 6;
const ROW_PADDING = 2;

export function reportPdf(model: ReportModel): Uint8Array {
  const created = new Date(model.createdAt);
  const info = { Title: model.title, Author: model.by, Creator: `Wiretrail ${model.version}` };
  const doc = new PDFDocument({
    size: 'A4',
    layout: 'landscape',
    margins: { top: MARGIN, left: MARGIN, right: MARGIN, bottom: MARGIN + FOOTER },
    pdfVersion: '1.7',
    lang: 'en',
    tagged: true,
    displayTitle: true,
    bufferPages: true,
    info: { ...info, CreationDate: created, ModDate: created },
  });
  const sheet = new Sheet(doc);
  sheet.cover(model);
  for (const table of model.tables) sheet.table(table);
  sheet.annex(model);
  sheet.footers(`content SHA-256 ${contentHash(model)}`);
  sheet.end();
  return drain(doc);
}

/** Everything is made when `end` returns; it only has to be taken out. */
function drain(doc: Pdf): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let part: unknown = doc.read(); part !== null; part = doc.read()) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

class Sheet {
  private readonly doc: Pdf;
  private readonly root: Structure;
  private readonly unicode: boolean;
  private readonly width: number;
  private readonly left: number = MARGIN;

  constructor(doc: Pdf) {
    this.doc = doc;
    this.unicode = existsSync(REGULAR) && existsSync(BOLD);
    doc.registerFont('regular', this.unicode ? REGULAR : 'Helvetica');
    doc.registerFont('bold', this.unicode ? BOLD : 'Helvetica-Bold');
    this.root = doc.struct('Document');
    doc.addStructure(this.root);
    this.width = doc.page.width - 2 * MARGIN;
  }

  cover(model: ReportModel): void {
    const { title, purpose, from, to, query, by, createdAt, watermark, completeness, figures, store } = model;
    this.paragraph('H1', title, 20, 'bold', INK);
    this.paragraph('P', purpose, 10, 'regular', MUTED);
    this.paragraph(
      'P',
      `${from} to ${to}, UTC, half open. ${query === '' ? 'All records' : query}.`,
      10,
      'regular',
      INK,
    );
    this.paragraph(
      'P',
      `Made ${createdAt} by ${by}; store ${store}, read to arrival ${watermark}.`,
      9,
      'regular',
      MUTED,
    );
    this.paragraph('P', completeness, 10, 'bold', INK);
    this.paragraph('P', figures.map(({ name, value }) => `${name}: ${value}`).join('     '), 11, 'regular', INK);
  }

  table({ title, note, columns, rows }: ReportTable): void {
    const { doc } = this;
    if (doc.y > doc.page.height - 4 * (MARGIN + FOOTER)) doc.addPage();
    this.paragraph('H2', title, 13, 'bold', INK);
    this.paragraph('P', note, 9, 'regular', MUTED);
    const total = columns.reduce((sum, { width }) => sum + width, 0);
    const widths = columns.map(({ width }) => (width / total) * this.width);
    const titles = columns.map((column) => column.title);
    const table = doc.struct('Table');
    this.root.add(table);
    this.row(table, titles, widths, 'TH');
    for (const row of rows) {
      if (doc.y + this.heightOf(row, widths) > doc.page.height - MARGIN - FOOTER) {
        doc.addPage();
        this.row(table, titles, widths, 'TH');
      }
      this.row(table, row, widths, 'TD');
    }
    table.end();
    doc.x = this.left;
    doc.y += 10;
  }

  annex({ policies }: ReportModel): void {
    this.paragraph('P', `Policies that judged these records: ${policies.join(', ') || 'none'}.`, 9, 'regular', MUTED);
  }

  /** Page numbers and the content's hash: decoration, which readers skip. */
  footers(text: string): void {
    const { doc } = this;
    const { start, count } = doc.bufferedPageRange();
    for (let page = start; page < start + count; page++) {
      doc.switchToPage(page);
      // The footer lies within the bottom margin, where text would start a new page.
      doc.page.margins.bottom = 0;
      doc.markContent('Artifact', { type: 'Pagination' });
      doc.font('regular').fontSize(7).fillColor(MUTED);
      const line = `page ${page + 1} of ${count}     ${text}`;
      doc.text(line, this.left, doc.page.height - MARGIN, { width: this.width, lineBreak: false });
      doc.endMarkedContent();
    }
  }

  end(): void {
    this.root.end();
    this.doc.end();
  }

  private paragraph(tag: string, text: string, size: number, font: string, colour: string): void {
    const { doc } = this;
    const element = doc.struct(tag, {}, () => {
      doc
        .font(font)
        .fontSize(size)
        .fillColor(colour)
        .text(this.printable(text), this.left, doc.y, { width: this.width });
    });
    this.root.add(element);
    element.end();
    doc.y += 4;
  }

  private row(table: Structure, cells: readonly string[], widths: readonly number[], tag: 'TH' | 'TD'): void {
    const { doc } = this;
    const top = doc.y;
    const height = this.heightOf(cells, widths);
    const row = doc.struct('TR');
    table.add(row);
    let x = this.left;
    cells.forEach((cell, i) => {
      const width = widths[i] ?? 0;
      const at = x;
      const element = doc.struct(tag, {}, () => {
        doc
          .font(tag === 'TH' ? 'bold' : 'regular')
          .fontSize(CELL_SIZE)
          .fillColor(INK);
        doc.text(this.printable(cell), at, top + ROW_PADDING, { width: width - CELL_GAP, height: doc.page.height });
      });
      row.add(element);
      element.end();
      x += width;
    });
    row.end();
    doc.markContent('Artifact', { type: 'Layout' });
    doc.moveTo(this.left, top + height).lineTo(this.left + this.width, top + height);
    doc
      .lineWidth(tag === 'TH' ? 1 : 0.4)
      .strokeColor(tag === 'TH' ? INK : LINE)
      .stroke();
    doc.endMarkedContent();
    doc.y = top + height;
  }

  private heightOf(cells: readonly string[], widths: readonly number[]): number {
    this.doc.font('regular').fontSize(CELL_SIZE);
    const heights = cells.map((cell, i) =>
      this.doc.heightOfString(this.printable(cell), { width: (widths[i] ?? 0) - CELL_GAP }),
    );
    return Math.max(...heights) + 2 * ROW_PADDING;
  }

  private printable(text: string): string {
    const plain = visible(text).replace(/[\t\n\r]/g, ' ');
    return this.unicode ? plain : plain.replace(/[^\u0020-\u00ff]/g, '?');
  }
}
