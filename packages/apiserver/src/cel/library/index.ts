export { type GoPattern, type GoRegexp, goRegexp } from './go-regexp.ts';
