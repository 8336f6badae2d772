export { type AdmissionRequest, type AdmissionWebhook, admissionWebhook } from './admission-webhook.ts';
export {
  type AdmissionAttributes,
  type AdmissionPlugin,
  AdmissionPlugins,
  type ObjectForm,
  type Reinvocation,
  type WriteTerms,
} from './contract.ts';
export { conversionWebhook } from './conversion-webhook.ts';
export { type AdmissionDecision, allow, change, deny, type Remarks, type WrongField } from './decision.ts';
export { type Amounts, parseAmounts, podAmountsAsWritten, podLimits, podRequests } from './pod-resources.ts';
export * from './quota/index.ts';
export { type Webhook, WebhookServer, type WebhookServerOptions } from './webhook-server.ts';
