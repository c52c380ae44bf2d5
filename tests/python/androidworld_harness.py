"""The calls that AndroidWorld's harness makes of an agent, without AndroidWorld: a stub of its modules, and of a phone that writes down what
is done to it. Arguments: the agent's file, and its options as JSON. Prints what was done, a JSON object a line."""
import importlib.util
import json
import sys
import types


class Result:
    def __init__(self, done, data):
        self.done, self.data = done, data


class Agent:
    def __init__(self, env, name="", transition_pause=1.0):
        self.env, self.name = env, name

    def reset(self, go_home=False):
        self.env.reset(go_home)

    def get_post_transition_state(self):
        return types.SimpleNamespace(pixels=Pixels(self.env.shade))


class Pixels:
    """What numpy calls an array, as far as the agent's file uses it."""

    def __init__(self, shade):
        self.shade = shade

    def tolist(self):
        return [[[self.shade, 10 * y % 256, x % 256] for x in range(40)] for y in range(80)]


KEYS = {"action_type", "index", "x", "y", "text", "direction", "goal_status", "app_name", "keycode", "clear_text"}


class JSONAction:
    def __init__(self, **values):
        unknown = set(values) - KEYS
        if unknown:
            raise TypeError("unknown keys %s" % unknown)
        self.values = values


class Env:
    shade = 100

    def reset(self, go_home):
        print(json.dumps({"reset": go_home}))

    def execute_action(self, action):
        Env.shade = (Env.shade + 20) % 256
        print(json.dumps(action.values))


def module(name, **content):
    made = types.ModuleType(name)
    made.__dict__.update(content)
    sys.modules[name] = made
    return made


base_agent = module("android_world.agents.base_agent", EnvironmentInteractingAgent=Agent, AgentInteractionResult=Result)
actions = module("android_world.env.json_action", JSONAction=JSONAction)
module("android_world.agents", base_agent=base_agent)
module("android_world.env", json_action=actions)
module("android_world")

spec = importlib.util.spec_from_file_location("agent", sys.argv[1])
file = importlib.util.module_from_spec(spec)
spec.loader.exec_module(file)
agent = file.TapwrightAgent(Env(), **json.loads(sys.argv[2]))
for goal in ["Turn the lamp on", "What does the sign say?"]:
    agent.reset(go_home=True)
    for step in range(1, 11):
        result = agent.step(goal)
        if result.done:
            print(json.dumps({"steps": step, "outcome": result.data.get("outcome")}))
            break
