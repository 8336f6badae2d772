export * from '../step-06/website.ts';
