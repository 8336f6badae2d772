export * from '../step-01/website.ts';
