export { DevelopmentWarnings, type DevelopmentWarningsOptions } from './development-warnings.ts';
export type { DevelopmentWarning } from './warning.ts';
