"""Tapwright as an agent of AndroidWorld's harness: TapwrightAgent(env), in run.py where other agents are made.

own_device=None: the harness keeps the phone. Tapwright asks this file for the screen and for each action, one a step.
own_device="emulator-5554": Tapwright has the phone, over ADB, in one step; the harness prepares it before and scores it after.
"""
import http.server
import json
import queue
import subprocess
import threading

from android_world.agents import base_agent
from android_world.env import json_action


class TapwrightAgent(base_agent.EnvironmentInteractingAgent):
    def __init__(self, env, command=("tapwright",), options=(), own_device=None, name="Tapwright"):
        super().__init__(env, name)
        self.command, self.options, self.own_device = list(command), list(options), own_device
        self.asked, self.run, self.server = queue.Queue(), None, None

    def reset(self, go_home=False):
        super().reset(go_home)
        if self.run:
            self.run.kill()
        self.run, self.asked = None, queue.Queue()

    def start(self, goal):
        device = "adb:" + self.own_device if self.own_device else "androidworld:" + self.serve()
        words = ["run", goal, "--json", "--device", device, *self.options]
        self.run = subprocess.Popen(self.command + words, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        run, asked = self.run, self.asked
        def wait():
            lines = [line for line in run.stdout if line.strip()]
            asked.put(("end", json.loads(lines[-1]) if lines else {}, None))
        threading.Thread(target=wait, daemon=True).start()

    def serve(self):
        agent = self  # Tapwright asks the routes of AndroidWorld's own server; the harness is asked in its own thread, in step().
        class Routes(http.server.BaseHTTPRequestHandler):
            def reply(self, kind, body=None):
                answer = queue.Queue()
                agent.asked.put((kind, body, answer))
                text = json.dumps(answer.get()).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
            def do_GET(self):
                self.reply("screen" if self.path.startswith("/screenshot") else "health")
            def do_POST(self):
                self.reply("act", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            log_message = lambda self, *_: None
        if not self.server:
            self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Routes)
            threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return "http://127.0.0.1:%d" % self.server.server_port

    def step(self, goal):
        if not self.run:
            self.start(goal)
        while True:
            kind, body, answer = self.asked.get()
            if kind == "screen":
                answer.put({"pixels": self.get_post_transition_state().pixels.tolist()})
            elif kind == "health":
                answer.put({"status": "success"})
            elif kind == "act":
                self.env.execute_action(json_action.JSONAction(**body))
                answer.put({"status": "success"})
                return base_agent.AgentInteractionResult(False, {"action": body})
            else:
                self.run, is_done = None, body.get("outcome") == "done"
                if "outcome" not in body:  # No word about the phone: no score either.
                    raise RuntimeError("Tapwright did not run: %s" % body.get("error", "it said nothing"))
                if is_done and body.get("message"):  # Tasks that ask for something are judged by this.
                    self.env.execute_action(json_action.JSONAction(action_type="answer", text=body["message"]))
                status = "complete" if is_done else "infeasible"
                self.env.execute_action(json_action.JSONAction(action_type="status", goal_status=status))
                return base_agent.AgentInteractionResult(True, body)
