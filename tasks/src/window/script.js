live(document.querySelector("canvas"), document.querySelector(".trouble"));
