export { AuditOptions } from './audit-options.ts';
export { AuditRecord, asAnswered } from './audit-record.ts';
export { AuditedHandler } from './audited-handler.ts';
export { Auditor, type AuditorOptions, type ReceivedRequest } from './auditor.ts';
export { sourceIps } from './source-ips.ts';
