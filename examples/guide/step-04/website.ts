export * from '../step-03/website.ts';
