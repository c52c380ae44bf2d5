//! A site for tests: pages by their paths, on a port of this machine.

use std::thread;
use std::time::Duration;

use super::pages;

const PAGES: [(&str, &str); 16] = [
    (
        "/",
        r#"<!doctype html><meta charset=utf-8><title>Bank Settings</title><body style="margin:0;font:16px sans-serif;background:#fed">
        <h1 style="margin:0">Hello</h1><button id=b style="position:absolute;left:100px;top:100px;width:120px;height:40px">Count</button>
        <a href="/other" style="position:absolute;left:100px;top:160px">Other page</a><pre id=log style="position:absolute;left:400px;top:0"></pre>
        <script>let n=0;const say=t=>{log.textContent+=t+'\n'};b.onclick=e=>{b.textContent='Count '+ ++n;say('click '+n+(e.ctrlKey?' ctrl':'')+(e.isTrusted?'':' fake'))};
        b.ondblclick=()=>say('double');onmousedown=e=>say('down '+e.button+' '+e.buttons);b.oncontextmenu=e=>{e.preventDefault();say('menu')};onmousemove=e=>{if(e.target.id=='log')say('moved')};
        onkeydown=e=>say('key '+e.key+' '+e.code+' '+(e.shiftKey?'S':'')+(e.ctrlKey?'C':''))</script>"#,
    ),
    (
        "/tools",
        r#"<!doctype html><title>Tools</title><body style="background:#eff"><ul id=list></ul><script>const context=navigator.modelContext;
        const tool=(name,description,execute,inputSchema)=>context&&context.registerTool({name,description,inputSchema,execute,annotations:{readOnlyHint:true}});
        tool('add_item','Adds an item to the basket',async input=>{list.innerHTML+='<li>'+input.item;return {content:[{type:'text',text:'there are '+list.children.length}]}},{type:'object',properties:{item:{type:'string',maxLength:20}},required:['item']});
        tool('fails','Fails in the middle',()=>{list.innerHTML+='<li>half';throw new Error('no')});
        tool('never','Never ends',()=>new Promise(()=>{}));
        tool('leaves','Goes elsewhere',()=>{location.href='/other';return new Promise(()=>{})});
        tool('has space','x',()=>1);tool('long','x'.repeat(5000)+'\u202e',()=>'y'.repeat(100000));</script>"#,
    ),
    ("/other", "<!doctype html><title>Other</title><body style='background:#def'><h1>The other page</h1>"),
    (
        "/form",
        r#"<!doctype html><meta charset=utf-8><title>Form</title><body style="margin:0;font:16px sans-serif;background:#efe"><form onsubmit="event.preventDefault();send()">
        <label>Name: <input id=name name=name style="width:300px"></label><br><label>Password <input type=password id=pw></label><br>
        <label>Notes<textarea id=notes rows=6 cols=40>old</textarea></label><br><label>Day <input type=date id=day></label><br>
        <label>Size <select id=list><option>Small<option>Large</select></label><label><input type=checkbox id=ok> I agree</label>
        <input type=text aria-label=Fixed readonly value=fixed><div id=rich contenteditable style="border:1px solid">rich</div><button>Send</button></form>
        <pre id=out></pre><script>function send(){out.textContent='SENT '+JSON.stringify([...document.querySelectorAll('input,textarea,select')].map(f=>f.type=='checkbox'?f.checked:f.value).concat(rich.innerText))}</script>"#,
    ),
    (
        "/dialogs",
        r#"<!doctype html><title>Ask</title><body style="background:#fef"><button onclick="out.textContent='alert '+alert('Mind <b>this</b>')">Alert</button>
        <button onclick="out.textContent='confirm '+confirm('Really?')">Confirm</button><button onclick="out.textContent='prompt '+prompt('Your name?','Bob')">Prompt</button>
        <button onclick="window.open('/other')">Pop up</button><button onclick="for(;;);">Hang</button><p id=out></p>"#,
    ),
    (
        "/drag",
        r#"<!doctype html><title>Drag</title><body style="margin:0;background:#eef"><div id=a draggable=true style="position:absolute;left:20px;top:20px;width:100px;height:60px;background:red">Card</div>
        <div id=t style="position:absolute;left:300px;top:200px;width:150px;height:150px;background:silver">Target</div><div id=s style="position:absolute;left:20px;top:200px;width:100px;height:100px;background:lime"></div>
        <p id=out style="position:absolute;left:20px;top:400px"></p><script>a.ondragstart=e=>e.dataTransfer.setData('text/plain','card');t.ondragover=e=>e.preventDefault();
        t.ondrop=e=>{e.preventDefault();out.textContent+='dropped '+e.dataTransfer.getData('text/plain')};let d=0;s.onmousedown=e=>{d=e.clientX};onmouseup=e=>{if(d)out.textContent+='slid '+(e.clientX-d);d=0}</script>"#,
    ),
    (
        "/long",
        "<!doctype html><title>Long</title><body style='margin:0'><div style='height:1000px;background:#fdd'>Top</div>\
         <div style='height:5000px;background:#ddf'>Below</div><p style='position:fixed;top:0;right:0' id=y>0</p>\
         <script>onscroll=()=>{y.textContent='scrolled '+Math.round(scrollY)}</script>",
    ),
    (
        "/late",
        "<!doctype html><title>Late</title><body style='background:#ffe'><h1 id=h>Wait</h1>\
         <script>setTimeout(()=>fetch('/slow').then(r=>r.text()).then(t=>{h.textContent=t}),5)</script>",
    ),
    (
        "/endless",
        "<!doctype html><title>Endless</title><body style='background:#eef'><h1>There</h1><script>fetch('/never')</script>",
    ),
    (
        "/table",
        "<!doctype html><title>Table</title><body style='background:#eff'><table><tr><th>Day<th>Sum<tr><td>Mon<td>12</table>\
         <a href='/file' download='report.csv'>Report</a> <a href='/other'>Next</a><label>Upload <input type=file id=f onchange=\"o.textContent='has '+f.files[0].name+' '+f.files[0].size\"></label><p>Enter \"<b>seven</b>\" twice</p><p id=o></p>\
         <form name=activeElement onsubmit='return false'>Guests <input name=children size=3><input name=shadowRoot size=3><button>Send it</button></form><button aria-hidden=true>Pay now</button>\
         <div style='position:absolute;left:0;top:300px'><button>Covered</button></div><button style='position:absolute;left:200px;top:300px;width:160px' onclick=\"o.textContent='half'\">Half</button><div style='position:absolute;left:0;top:290px;width:300px;height:60px;background:#fff'>Cover</div>",
    ),
    (
        "/trouble",
        "<!doctype html><title>Trouble</title><body style='background:#fec'><button onclick=\"for(let i=0;i<200;i++)alert('number '+i)\">Many</button>\
         <button onclick=\"for(;;)alert('again')\">Endless</button><button onclick=\"out.textContent='huge '+alert('x'.repeat(3e7))\">Huge</button>\
         <button onclick=\"setInterval(()=>{for(;;);})\">Again and again</button><button onclick=\"for(;;);\">Hang</button>\
         <button onclick=\"out.textContent='here'\">Here</button><p id=out></p>",
    ),
    (
        "/moves",
        "<!doctype html><title>Moves</title><body style='background:#cfe'><label>Name <input></label>\
         <script>setTimeout(()=>{location='http://localhost:PORT/form'},1500)</script>",
    ),
    (
        "/restless",
        "<!doctype html><title>Restless</title><body><p id=p></p><script>p.textContent=Math.random();setTimeout(()=>location.reload(),20)</script>",
    ),
    ("/hangs", "<!doctype html><title>Hangs</title><body>Inside<script>setTimeout(()=>{for(;;);},300)</script>"),
    (
        "/silent-frame",
        "<!doctype html><title>Frames</title><body style='margin:0;background:#fee'><button>Outside</button>\
         <iframe style='position:absolute;left:50px;top:100px;width:300px;height:100px;border:0' src='http://localhost:PORT/hangs'></iframe>\
         <iframe style='position:absolute;left:50px;top:300px;width:300px;height:200px;border:0' src='http://127.0.0.2:PORT/form'></iframe>",
    ),
    (
        "/frames",
        "<!doctype html><title>Frames</title><body style='margin:0;background:#fee'><p>Outside</p>\
         <iframe style='position:absolute;left:50px;top:100px;width:400px;height:200px;border:0' src='http://localhost:PORT/form'></iframe>",
    ),
];

/// Serves it for as long as the test runs; returns its origin.
pub fn serve() -> String {
    let port = pages::serve("0.0.0.0:0", |path, port| match path {
        "/slow" => {
            thread::sleep(Duration::from_millis(700));
            Some(("text/plain", b"It has come".to_vec()))
        }
        "/never" => {
            thread::sleep(Duration::from_secs(60));
            None
        }
        "/file" => Some(("text/csv", b"a,b\n1,2\n".to_vec())),
        _ => match PAGES.iter().find(|(of, _)| *of == path) {
            Some((_, page)) => Some(("text/html", page.replace("PORT", &port.to_string()).into_bytes())),
            None => Some(("text/plain", Vec::new())),
        },
    });
    format!("http://127.0.0.1:{port}")
}
