/**
 * Comma-separated values (RFC 4180), as strictly as Go reads them: empty lines do not count, a cell may be quoted, and
 * a quote anywhere else is an error. Throws with the line.
 */
export function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\r?\n|$)/y;
  let record: string[] = [];
  let line = 1;
  while (cell.lastIndex < text.length || record.length > 0) {
    const found = cell.exec(text);
    if (!found) throw new Error(`line ${line}: a quote where none may be`);
    const [whole, quoted, plain = '', end = ''] = found;
    line += whole.split('\n').length - 1;
    record.push(quoted === undefined ? plain.replace(/\r$/, '') : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    if (record.length > 1 || record[0] !== '' || quoted !== undefined) records.push(record);
    record = [];
    if (end === '') break;
  }
  return records;
}
