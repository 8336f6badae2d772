export { age, humanDuration } from './human-duration.ts';
export { evaluateJsonPath } from './json-path.ts';
export { type TableColumn, TablePrinter } from './table-printer.ts';
