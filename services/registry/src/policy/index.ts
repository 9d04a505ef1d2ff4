export { isImmutable, RULE_FACTS, type RuleFacts } from './immutability.ts'
export { modeAnswers, QUOTA_LIMIT, READ_ONLY } from './mode.ts'
export { readOnly, TagImmutable } from './policy-errors.ts'
export { PULL_FACTS, type PullFacts, requirePullable } from './pull-policy.ts'
