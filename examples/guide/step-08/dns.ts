export * from '../step-05/dns.ts';
