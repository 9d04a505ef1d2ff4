export { robotRoutes } from './robot-routes.ts'
export { createRobots } from './robot-service.ts'
export { createRobotSignIn } from './robot-sign-in.ts'
