/** A mistake that costs more than it seems to, found while an operator runs. */
export interface DevelopmentWarning {
  readonly kind: 'hot-loop' | 'no-op-write' | 'single-reads' | 'unread-cache' | 'blocked-event-loop';
  /** Each place is warned of once: a line of code such as `operator.ts:34` where one is known, else what stands for it. */
  readonly place: string;
  /** What was seen. */
  readonly message: string;
  /** What to do about it. */
  readonly advice: string;
}
